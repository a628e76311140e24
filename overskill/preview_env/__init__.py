"""A platform for each pull request of this project: `overskill stack preview-env`."""
