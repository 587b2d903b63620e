## Documents
dist_man_MANS += doc/man/steerctl.1
EXTRA_DIST += doc/api.md doc/openapi.yaml
