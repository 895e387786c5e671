"""The `reelseek` command."""
