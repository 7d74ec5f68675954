"""Script hosts: every run of a script is an operating system process of its own.

`ScriptHosts` (script_hosts.py) is the worker's side. Nothing here imports Django: the zygote and its children load this
package too.
"""
