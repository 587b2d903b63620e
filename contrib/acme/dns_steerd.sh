#!/usr/bin/env sh
# SPDX-License-Identifier: BSD-3-Clause
#
# acme.sh's DNS API for names that steerd serves. Put it into ~/.acme.sh/dnsapi, then:
#
#   acme.sh --issue --dns dns_steerd -d www.example.com
#
# Which server is told is for steerctl to know: its socket, or the profile in STEERCTL_PROFILE, which acme.sh keeps for
# renewals. _err, _readaccountconf_mutable and _saveaccountconf_mutable are acme.sh's.

# FULLDOMAIN VALUE: "_acme-challenge.www.example.com" and what it is to answer
dns_steerd_add() {
	_dns_steerd_profile
	"${STEERCTL:-steerctl}" acme set --for 10m --reason acme.sh -- "$1" "$2" && return 0
	_err "steerctl has not set the challenge of $1"
	return 1
}

dns_steerd_rm() {
	_dns_steerd_profile
	_dns_steerd_code=0
	"${STEERCTL:-steerctl}" acme clear --reason acme.sh -- "$1" "$2" || _dns_steerd_code=$?
	case $_dns_steerd_code in
	0 | 4) return 0 ;; # 4: it has ended by itself
	esac
	_err "steerctl has not cleared the challenge of $1"
	return 1
}

_dns_steerd_profile() {
	STEERCTL_PROFILE="${STEERCTL_PROFILE:-$(_readaccountconf_mutable STEERCTL_PROFILE)}"
	if [ -n "$STEERCTL_PROFILE" ]; then
		export STEERCTL_PROFILE
		_saveaccountconf_mutable STEERCTL_PROFILE "$STEERCTL_PROFILE"
	fi
}
