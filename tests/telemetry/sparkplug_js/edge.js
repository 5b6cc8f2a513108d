// An edge node "js" of group "g" with a device "rack", by the npm package sparkplug-client; told what to do line by line.
//
// node edge.js URL: says "connected", "rebirth" and "closed" on standard output. Lines it takes: birth, packed-birth,
// data, member, history, packed, gzip, device-death, stop (a clean end, without a death, as is this client's way).
"use strict";

const readline = require("node:readline");
const { newClient } = require("sparkplug-client");

const url = process.argv[2];
const client = newClient({
  serverUrl: url,
  username: "",
  password: "",
  groupId: "g",
  edgeNode: "js",
  clientId: "edge-js",
  mqttOptions: { reconnectPeriod: 100 },
});
const now = () => Date.now();
const text = (value) => ({ type: "String", value });
const scalar = [
  { name: "Float", type: "Float", value: 24.5, alias: 1, properties: { engUnit: text("C") } },
  { name: "Power", type: "Double", value: 41.25, alias: 2, properties: { engUnit: text("kW") } },
  { name: "Int8", type: "Int8", value: -5, alias: 3 },
  { name: "Int16", type: "Int16", value: -30000, alias: 4 },
  { name: "Int32", type: "Int32", value: -42, alias: 5 },
  { name: "Int64", type: "Int64", value: -4503599627370497, alias: 6 },
  { name: "UInt8", type: "UInt8", value: 251, alias: 7 },
  { name: "UInt16", type: "UInt16", value: 65535, alias: 8 },
  { name: "UInt32", type: "UInt32", value: 4294967295, alias: 9 },
  { name: "UInt64", type: "UInt64", value: 4503599627370497, alias: 70000 },
  { name: "Boolean", type: "Boolean", value: true, alias: 11 },
  { name: "DateTime", type: "DateTime", value: 1743620423123, alias: 12 },
  { name: "Null", type: "Double", value: null, alias: 13 },
  { name: "NaN", type: "Double", value: NaN, alias: 14 },
  { name: "Infinity", type: "Double", value: -Infinity, alias: 15 },
  { name: "Least8", type: "Int8", value: -128, alias: 30 },
  { name: "Least16", type: "Int16", value: -32768, alias: 31 },
  { name: "Least32", type: "Int32", value: -2147483648, alias: 32 },
  { name: "Most32", type: "Int32", value: 2147483647, alias: 33 },
  { name: "Largest", type: "UInt64", value: 9007199254740991, alias: 34 },
];
const rich = [
  { name: "String", type: "String", value: "Grüße, 機房", alias: 20 },
  { name: "Text", type: "Text", value: "words", alias: 21 },
  { name: "UUID", type: "UUID", value: "5a7f1f6e-94e5-4e5d-9ec5-3b1f7f1d2c11", alias: 22 },
  { name: "File", type: "File", value: new Uint8Array([1, 2, 3]), alias: 26 },
  { name: "Bytes", type: "Bytes", value: new Uint8Array([0, 1, 254, 255]), alias: 23 },
  {
    name: "DataSet",
    type: "DataSet",
    alias: 24,
    value: { numOfColumns: 2, columns: ["a", "b"], types: ["String", "Double"], rows: [["x", 1.5], ["y", 2.5]] },
  },
  {
    name: "Template",
    type: "Template",
    alias: 25,
    value: { isDefinition: false, templateRef: "t", version: "1", metrics: [{ name: "in", type: "Int32", value: 3 }] },
  },
];
const nodeMetrics = () => [
  { name: "Node Control/Rebirth", type: "Boolean", value: false },
  { name: "Load", type: "Double", value: 0.5, alias: 0 },
];
const said = (metrics) => ({ timestamp: now(), metrics });
// Data by alias: no name. The client would write the type too, so that names and types come of the birth alone.
const bare = ({ type, alias }, value, more = {}) => ({ type, alias, value, timestamp: now(), ...more });
const of = (name) => scalar.find((metric) => metric.name === name);

const actions = {
  birth() {
    client.publishNodeBirth(said(nodeMetrics()));
    client.publishDeviceBirth("rack", said([...scalar, ...rich]));
  },
  "packed-birth"() {
    client.publishNodeBirth(said(nodeMetrics()), { compress: true });
    client.publishDeviceBirth("rack", said([...scalar, ...rich]), { compress: true });
  },
  member() {
    const changed = { isDefinition: false, templateRef: "t", metrics: [{ name: "in", type: "Int32", value: 4 }] };
    client.publishDeviceData("rack", said([bare({ type: "Template", alias: 25 }, changed)]));
  },
  data() {
    client.publishNodeData(said([bare({ type: "Double", alias: 0 }, 0.75)]));
    client.publishDeviceData("rack", said([
      bare(of("Power"), 42.5),
      bare(of("Int8"), -6),
      bare(of("UInt64"), 4503599627370499),
      bare(of("Float"), 30.25, { properties: { Quality: { type: "Int32", value: 500 } } }),
    ]));
  },
  history() {
    client.publishDeviceData("rack", said([bare(of("Power"), 99, { isHistorical: true, timestamp: now() - 60000 })]));
  },
  packed() {
    client.publishDeviceData("rack", said([bare(of("Power"), 43.5)]), { compress: true });
  },
  gzip() {
    client.publishDeviceData("rack", said([bare(of("Power"), 44.5)]), { compress: true, algorithm: "GZIP" });
  },
  "device-death"() {
    client.publishDeviceDeath("rack", said([]));
  },
  stop() {
    client.stop();
  },
};

client.on("connect", () => console.log("connected"));
client.on("close", () => console.log("closed"));
client.on("error", (error) => console.log(`error ${error.message}`));
client.on("ncmd", (payload) => {
  if (payload.metrics.some((metric) => metric.name === "Node Control/Rebirth" && metric.value === true)) {
    console.log("rebirth");
    actions.birth();
  }
});
readline.createInterface({ input: process.stdin }).on("line", (line) => actions[line.trim()]());
