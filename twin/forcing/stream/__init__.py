"""Reading of long text files in blocks of bounded memory: lines, cells, times, faults, order."""
