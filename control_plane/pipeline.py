"""What the control plane knows of an app's pipeline beforehand: its file, and what a push to a branch deploys."""

from infra.names import AppEnvironment

WORKFLOW = ".github/workflows/deploy-to-wfp.yml"
BRANCHES: dict[str, AppEnvironment] = {"main": "production", "staging": "staging"}
