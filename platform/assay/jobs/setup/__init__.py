"""Before there is anything: reading tables, proposing definitions, rehearsing statements."""
