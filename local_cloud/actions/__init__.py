"""Actions: workflow files, run for real on this machine.

An event makes runs (`triggers`), which wait in the store until the `runner` has a place for them and hands each to act
(`act`), which runs its jobs as processes of this machine; what act says becomes jobs, steps and logs (`progress`).
"""
