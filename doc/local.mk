## Documents
dist_man_MANS += doc/man/steerd-zone.5
