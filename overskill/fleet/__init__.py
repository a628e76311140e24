"""Many apps at once: `overskill fleet apply apps.yaml` brings all that a file lists to what it says.

It is here and not in `app_stacks`, since it runs the engine; and there every change of it would change the program's
digest, and with that the desired state of each app.
"""
