# SPDX-License-Identifier: GPL-2.0
#
# zlock.sh - a kernel that is locked down.  It cannot be taken back, so this topic is the last by its name.

zlock_refuses() {
	mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
	echo confidentiality >/sys/kernel/security/lockdown || return
	is_missing locked 'locked down'		# of refuse.sh
}

zlock_guest() {
	claim "lockdown_is_said" zlock_refuses
}

zlock_host() {
	:
}
