"""What every room needs: checked configuration, files written whole, templates, the environment."""
