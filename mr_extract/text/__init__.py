"""The text contracts: manifests and catalogs, both ways."""
