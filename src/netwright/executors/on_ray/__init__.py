"""The parts of `netwright.executors.Ray`."""
