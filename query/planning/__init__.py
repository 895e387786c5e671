"""From a parsed query to what each channel is asked for."""
