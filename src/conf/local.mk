noinst_LIBRARIES += src/libconf.a
src_libconf_a_CPPFLAGS = $(AM_CPPFLAGS) $(JANSSON_CFLAGS)
src_libconf_a_SOURCES = \
	src/conf/access.c src/conf/access.h \
	src/conf/brake.c src/conf/brake.h \
	src/conf/check.c src/conf/check.h \
	src/conf/check_body.c src/conf/check_body.h \
	src/conf/check_dns.c src/conf/check_dns.h src/conf/check_grpc.c src/conf/check_grpc.h \
	src/conf/check_exec.c src/conf/check_exec.h \
	src/conf/check_file.c src/conf/check_file.h \
	src/conf/check_http.c src/conf/check_http.h \
	src/conf/check_icmp.c src/conf/check_icmp.h \
	src/conf/check_lag.c src/conf/check_lag.h \
	src/conf/check_tls.c src/conf/check_tls.h \
	src/conf/cluster.c src/conf/cluster.h \
	src/conf/combine.c src/conf/combine.h \
	src/conf/commands.c src/conf/commands.h \
	src/conf/checks.c src/conf/checks.h \
	src/conf/confine.c src/conf/confine.h \
	src/conf/destination.c src/conf/destination.h \
	src/conf/doc.c src/conf/doc.h src/conf/doc_internal.h \
	src/conf/doc_get.c \
	src/conf/doc_load.c \
	src/conf/doc_split.c \
	src/conf/doors.c src/conf/doors.h \
	src/conf/drills.c src/conf/drills.h \
	src/conf/edit.c src/conf/edit.h src/conf/freeze.c src/conf/freeze.h \
	src/conf/georule.c src/conf/georule.h \
	src/conf/keys.c src/conf/keys.h \
	src/conf/keytable.c src/conf/keytable.h \
	src/conf/limits.c src/conf/limits.h \
	src/conf/listen.c src/conf/listen.h \
	src/conf/locate.c src/conf/locate.h \
	src/conf/merge.c src/conf/merge.h \
	src/conf/name_groups.c src/conf/name_groups.h \
	src/conf/need.c src/conf/need.h \
	src/conf/objectives.c src/conf/objectives.h \
	src/conf/policy.c src/conf/policy.h \
	src/conf/ramp.c src/conf/ramp.h \
	src/conf/records.c src/conf/records.h src/conf/redact.c src/conf/redact.h \
	src/conf/refs.c src/conf/refs.h \
	src/conf/replication.c src/conf/replication.h \
	src/conf/resolver.c src/conf/resolver.h \
	src/conf/roles.c src/conf/roles.h \
	src/conf/rule.h src/conf/rules.c src/conf/rules.h \
	src/conf/selector.c src/conf/selector.h src/conf/selector_internal.h \
	src/conf/secret.c src/conf/secret.h \
	src/conf/server.c src/conf/server.h \
	src/conf/sites.c src/conf/sites.h \
	src/conf/split.c src/conf/split.h \
	src/conf/statics.c src/conf/statics.h \
	src/conf/stay.c src/conf/stay.h \
	src/conf/suggest.c src/conf/suggest.h \
	src/conf/taps.c src/conf/taps.h \
	src/conf/tiers.c \
	src/conf/topology.c src/conf/topology.h src/conf/topology_files.c src/conf/topology_files.h \
	src/conf/topology_read.c \
	src/conf/transfer.c src/conf/transfer.h \
	src/conf/tree.c src/conf/tree.h \
	src/conf/use.c src/conf/use.h \
	src/conf/value.c src/conf/value.h \
	src/conf/hooks.c src/conf/webhooks.c src/conf/webhooks.h src/conf/webhooks_filter.h \
	src/conf/vantages.c src/conf/vantages.h src/conf/quorum.h \
	src/conf/withdraw.c src/conf/withdraw.h \
	src/conf/zone_options.c src/conf/zone_options.h \
	src/conf/zones.c src/conf/zones.h
