"""What apps start from, `app_template/`, on its way into repositories."""

PIPELINE = (".github/workflows/deploy-to-wfp.yml", ".github/overskill")
"""The files of an app's repository that are the platform's: its workflow, and the scripts that this runs."""
