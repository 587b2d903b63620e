noinst_LIBRARIES += src/liboperate.a
src_liboperate_a_CPPFLAGS = $(AM_CPPFLAGS)
src_liboperate_a_SOURCES = \
	src/operate/advice.c src/operate/advice.h \
	src/operate/assume.c \
	src/operate/choice.c src/operate/choice.h \
	src/operate/compare.c src/operate/compare.h src/operate/compare_internal.h \
	src/operate/compare_answers.c \
	src/operate/compare_classes.c \
	src/operate/compare_conf.c \
	src/operate/compare_endpoints.c \
	src/operate/compare_note.c \
	src/operate/compare_policy.c \
	src/operate/compare_story.c \
	src/operate/compare_zones.c \
	src/operate/errors.c src/operate/errors.h \
	src/operate/explain.c src/operate/explain_parts.h \
	src/operate/explain_class.c \
	src/operate/explain_members.c \
	src/operate/explain_ramp.c \
	src/operate/explain_tiers.c \
	src/operate/explain_work.c src/operate/explain_work.h \
	src/operate/foresee.c src/operate/foresee.h \
	src/operate/hosts.c src/operate/hosts.h \
	src/operate/incident.c src/operate/incident.h \
	src/operate/message.c src/operate/message.h \
	src/operate/objectives.c src/operate/objectives.h src/operate/objectives_missed.c src/operate/moments.c src/operate/moments.h \
	src/operate/operate.h \
	src/operate/rdata.c src/operate/rdata.h \
	src/operate/subject.c src/operate/subject.h \
	src/operate/switchover.c src/operate/switchover.h \
	src/operate/switchover_capacity.c src/operate/switchover_capacity.h \
	src/operate/switchover_errors.c src/operate/switchover_errors.h \
	src/operate/switchover_inside.c src/operate/switchover_inside.h \
	src/operate/rules.c src/operate/rules.h src/operate/rules_inside.h \
	src/operate/rules_judge.c src/operate/rules_change.c src/operate/rules_flows.c \
	src/operate/rules_time.c src/operate/rules_time.h \
	src/operate/rules_measure.c src/operate/rules_measure.h \
	src/operate/switchover_findings.c src/operate/switchover_look.c src/operate/switchover_look.h \
	src/operate/switchover_questions.c src/operate/switchover_questions.h \
	src/operate/switchover_spread.c src/operate/switchover_spread.h \
	src/operate/targets.c \
	src/operate/type.c \
	src/operate/unserved.c src/operate/unserved.h \
	src/operate/whatif.c src/operate/whatif.h src/operate/whatif_internal.h \
	src/operate/whatif_brake.c \
	src/operate/whatif_places.c \
	src/operate/whatif_story.c
