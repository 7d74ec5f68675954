"""Every flag, every action, every interface; `table` says how, the modules beside it what, and the tests walk it."""
