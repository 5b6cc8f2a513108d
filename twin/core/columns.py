"""Columns of the Plan: what each number of a coefficient row means. Kernels and the lowering read the same names.

Capacity rates (``W_*``) are in W/K, conductances in W/K, capacities in J/K, powers in W, temperatures in degC, times
in s.
"""

from __future__ import annotations

from enum import IntEnum


class Group(IntEnum):
    """Equal racks of one hall on one CDU; values per rack. The first seven are the row of ``heat_pass``."""

    LIQUID_SHARE = 0
    BODY_SHARE = 1
    AIR_SHARE = 2
    C_PLATE = 3
    C_BODY = 4
    G_BODY_PLATE = 5
    G_BODY_AIR = 6
    P0 = 7
    P1 = 8
    P2 = 9
    UA = 10
    W_COOLANT = 11
    COUNT = 12
    RATED = 13
    IDLE = 14
    LIQUID_MAX = 15
    AIR_MAX = 16
    SPREAD = 17
    NOISE = 18
    MAIN_NODE = 19  # 1: the plate is what people watch, 0: the body (air-cooled)
    THROTTLE = 20  # junction temperature that a rack does not exceed, inf: none known
    JUNCTION = 21  # junction above the watched node at rated power, K
    FLOOR = 22  # power that slowing down cannot get below, W
    SERVED = 23  # 1: the racks follow a pool of the fleet
    TRIP = 24  # junction temperature at which a rack shuts down, inf: none known
    FLOW_TRIP = 25  # share of the coolant that it asks for below which a rack shuts down, -1: none
    LIQUID_TRIP = 26  # coolant inlet, inf: none
    AIR_TRIP = 27  # air inlet, inf: none
    TRIP_DELAY = 28  # how long the three last may last, s; negative: no interlock acts
    FLOW_EXPONENT = 29  # of the plate's conductance on the flow
    W_AIR = 30  # capacity rate of the air through a rack at its rated power
    ZONE = 31  # zone of the hall's air in which the racks stand, from 0
    TO_ROOM = 32  # plate to the room's air while the coolant stands


class Sec(IntEnum):
    """A secondary loop: the racks' coolant behind one CDU, or the air of a hall behind its CRAHs."""

    W_MAX = 0
    W_MIN = 1
    WP_MAX = 2
    WP_MIN = 3
    UA = 4
    N_SECONDARY = 5
    N_PRIMARY = 6
    C_RETURN = 7
    C_SUPPLY = 8
    PUMP_0 = 9
    PUMP_1 = 10
    PUMP_2 = 11
    PUMP_3 = 12
    RECIRCULATION = 13
    RATED = 14
    LAG = 15
    SET = 16
    SET_MAX = 17
    APPROACH = 18
    W_PER_HEAT = 19
    WP_PER_HEAT = 20
    RATED_HEAT = 21
    INLET_MAX = 22
    W_GROUPS = 23  # summed design capacity rate of the racks' coolant, to divide the flow
    CP = 24  # J/(kg K), to report mass flows
    CP_PRIMARY = 25
    RUNNING = 26  # share of the largest flow that pumps or fans with a drive can give, 0: none has one
    OPEN = 27  # share of the facility flow that reaches it, 0: lost
    LEAKS = 28  # 1: coolant is lost, the racks are shut down
    SET_OFFSET = 29  # what a faulty sensor adds to the supply that is held, K
    BYPASS = 30  # share of what the air handlers move that passes no rack
    ZONES = 31  # zones of the hall's air, 0: the racks' inlets are all alike
    FIRST_ZONE = 32  # where the hall's matrix begins in ``Arrays.zones``
    ZONE_LAG = 33  # time constant of the pattern of inlets, s
    TO_ROOM = 34  # coolant to the room's air; of the air: all of its hall, racks with it, 0: nothing to exchange
    TO_OUTDOORS = 35  # of the air: the room to the outdoor air
    MET = 36  # 1: the set point is measured, so it is met whatever the exchanger could do


class Fac(IntEnum):
    """A facility-water loop with its plant."""

    W_MAX = 0
    W_MIN = 1
    C_RETURN = 2
    C_SUPPLY = 3
    PUMP_1 = 4
    PUMP_3 = 5
    SET = 6
    RESET_ON = 7  # 0 none, 1 dry bulb, 2 wet bulb
    RESET_APPROACH = 8
    SET_MAX = 9
    ECONOMIZER = 10
    CHILLERS = 11
    CHILLER_UNIT = 12
    ETA = 13
    DELTA = 14
    LIFT_MIN = 15
    CONDENSER_MAX = 16
    W_CONDENSER = 17  # 0: the facility water itself runs through the rejection bank
    CONDENSER_PUMP = 18
    C_BASIN = 19
    FAN = 20
    FAN_MIN = 21
    REJECTION = 22  # code of the rejection kind
    CP = 23
    LOWEST_LEAVING = 24  # no colder water is made by the rejection bank (frost)
    PAD_TRIGGER = 25  # dry bulb from which pads are wetted; WITHOUT where there are none
    PAD_FROST = 26  # below this dry bulb pads stay dry
    BLOWDOWN = 27  # per evaporation, drift included
    DRIFT = 28  # per circulated water
    ECONOMIZER_UA = 29  # 0: a fixed effectiveness; else ECONOMIZER is not used
    ECONOMIZER_W = 30  # condenser water through the economiser
    ECONOMIZER_N = 31  # exponent of its film conductances on the flow
    START = 32  # from the call for a machine until it carries load
    MINIMUM_RUN = 33  # from a start until a machine may stop
    RESTART = 34  # as START, after a loss of power
    EIR = 35  # 1: an EIR set, its coefficients from here on
    COP = 36
    CAPACITY_T = 37  # f1 of temperatures, its coefficients in order
    CAPACITY_T1 = 38
    CAPACITY_T2 = 39
    CAPACITY_T3 = 40
    CAPACITY_T4 = 41
    CAPACITY_T5 = 42
    EIR_T = 43  # f2 of temperatures, its coefficients in order
    EIR_T1 = 44
    EIR_T2 = 45
    EIR_T3 = 46
    EIR_T4 = 47
    EIR_T5 = 48
    EIR_LOAD = 49  # f3 of part load, its coefficients in order
    EIR_LOAD1 = 50
    EIR_LOAD2 = 51
    CHILLED_LOW = 52
    CHILLED_HIGH = 53
    CONDENSER_LOW = 54
    CONDENSER_HIGH = 55
    CONDENSER_MIN = 56  # head-pressure control mixes the water that enters condensers up to this
    LOAD_MIN = 57  # below this part load machines cycle
    UNLOAD_MIN = 58  # below this part load power no longer falls
    BASIN_HEATER = 59  # W/K of outdoor air below the lowest leaving water, while the bank is idle
    RUNNING = 60  # share of the largest flow that the loop's pumps with a drive can give, 0: none has one
    C_PIPE_RETURN = 61  # water that moves as a plug between the header and the halls; 0: none
    C_PIPE_SUPPLY = 62  # the same on the way to the halls, a stratified store with it
    TO_OUTDOORS = 63  # all water of the loop to the outdoor air
    BASIN_TO_OUTDOORS = 64  # the basin to the outdoor air
    MET = 65  # 1: the set point is measured, so it is met whatever the plant could do


# A temperature that is never reached.
WITHOUT = 1e6


class Elm(IntEnum):
    """An element of the electrical path (equal units in parallel: summed rating)."""

    RATED = 0
    A = 1
    B = 2
    C = 3
    LIMIT = 4


class Sink(IntEnum):
    """Where the heat of a loss goes."""

    OUTDOORS = 0
    ELECTRICAL_ROOM = 1
    HALL = 2


class Mode(IntEnum):
    """How a secondary loop meets its set point: valve trims, valve fully open and missed, valve shut."""

    SET = 0
    OPEN = 1
    SHUT = 2
