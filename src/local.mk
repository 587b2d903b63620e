## One static library per folder, lowest layer first (src/LAYERS gives the order and what each may include).
include src/base/local.mk
include src/dns/local.mk
include src/tsig/local.mk
include src/conf/local.mk
include src/geo/local.mk
include src/health/local.mk
include src/zone/local.mk
include src/steer/local.mk
include src/view/local.mk
include src/transfer/local.mk
include src/answer/local.mk
include src/serve/local.mk
include src/probe/local.mk
include src/operate/local.mk
include src/drill/local.mk
include src/admin/local.mk
include src/app/local.mk
