"""The ground floor: units, parameters, the variable table, the registry, the compiler switch."""
