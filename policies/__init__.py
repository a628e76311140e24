"""The policy pack: what no plan of the platform may do."""

from policies.hosts import HOSTS
from policies.namespaces import NAMESPACES
from policies.secrets import SECRETS

POLICIES = [*NAMESPACES, *HOSTS, *SECRETS]
