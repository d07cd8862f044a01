"""Commands of the command line, by what they are about; `tnhw.cli.app` puts them together."""
