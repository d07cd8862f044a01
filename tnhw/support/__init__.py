"""What every package needs: checked configuration, files that are written whole, templates, the environment."""
