"""What the engine runs for `pulumi up --policy-pack policies`."""

from pulumi_policy import EnforcementLevel, PolicyPack

from policies import POLICIES

PolicyPack(name="overskill", enforcement_level=EnforcementLevel.MANDATORY, policies=POLICIES)
