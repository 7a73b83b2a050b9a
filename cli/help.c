// SPDX-License-Identifier: MIT
/*
 * help.c - what "ksense help" says: of all commands, and of each.
 *
 * A block of options is written once, and stands in each text that it belongs to.  The completion
 * for bash reads them from there as well: an option is what stands behind two blanks or more at
 * the start of a line.
 */
#include <stdio.h>
#include <string.h>

#include "../canary/canary.h"
#include "ksense.h"

/* === Blocks of options ================================================== */

#define TIMEOUT "  --timeout S               how long to wait for a line ($KSENSE_TIMEOUT, or 10)\n"

#define WHICH                                                                                 \
	"Which sensor (default: --socket $KSENSE_SOCKET when that is set, else --xen):\n"     \
	"  --xen                     the one in Xen, by hypercall; be root in Dom0\n"         \
	"  --socket PATH             the one behind a UNIX socket (@NAME: abstract)\n"        \
	"  --host                    a new one, inside this process, to try things out\n"     \
	"    --folder DIR              which folder its folder probe looks at (.)\n"          \
	"    --ring BYTES              memory of each probe for records\n"                    \
	TIMEOUT

#define RECORDS                                                                               \
	"  --filter MEMBER=VALUE     only those with this member; repeatable\n"               \
	"  --since SEQ               from this sequence number on\n"                          \
	"    --epoch E                 which is of the count that has this epoch\n"          \
	"  --max N                   at most N\n"                                             \
	"  --record SEQ              this one, if it is still there, and leave it\n"          \
	"  --peek                    leave them there for others\n"                           \
	"  --run                     take a fresh sample first\n"                             \
	"  --announce                have the probe's next pass record all that it sees,\n"   \
	"                            where you may only read; with --peek\n"                  \
	"  --raw                     raw bytes as such instead of hex digits\n"               \
	"  --follow                  print them as they come, until interrupted\n"            \
	"    --interval S              look every S seconds, instead of being sent them\n"

#define COMPARE                                                                               \
	"  --once                    look, look again at what differs, and end (default)\n"   \
	"  --watch                   go on, every --interval S seconds, until interrupted\n"  \
	"    --heartbeat S             say every S seconds that it is alive\n"                \
	"  --checks FILE             look at this; see ksense-checks(5)\n"                    \
	"  --accept CHECK|REASON     that this check, or any for this reason, is blind\n"     \
	"                            does not count; repeatable\n"                            \
	"  --require SOURCE          end at once without it: xen, module, toolstack,\n"       \
	"                            xenstore; repeatable\n"                                  \
	"  --wait S                  where you may only read: wait at most S seconds\n"       \
	"                            for a pass that a probe makes by itself (120)\n"         \
	"  --strict                  findings that are notices count, too\n"

#define MODULE CANARY_SOCKET

#define OUTPUT                                                                                \
	"Output (default: tables on a terminal, else JSON lines):\n"                          \
	"  --table, --json\n"                                                                 \
	"  --wide                    long hashes in full in tables\n"                         \
	"  --stamp                   say in each JSON line when it was had, on which host\n"  \
	"                            and from which sensor\n"

#define STATUS                                                                                \
	"Exit status: 0 done, 1 the sensor said error or the output could not be written,\n"  \
	"2 usage, 3 no sensor there or not allowed.\n"

#define STATUS_COMPARE                                                                        \
	"Exit status: 0 all agrees, 1 findings, 2 usage, 3 a check is blind or\n"             \
	"unconfirmed, or it could not write; 130 or 143 interrupted in the first round.\n"

#define TARGET                                                                                \
	"TARGET is the name or uuid of a probe or of the sensor, or * for all probes"

/* === Texts ============================================================== */

static const char of_all[] =
	"Usage: ksense [OPTION]... COMMAND [TARGET [ITEM]]\n"
	"Asks a sensor inside a kernel, or tells it what to do.\n"
	"\n"
	"Commands (TARGET: name or uuid of a probe or of the sensor; default *, all):\n"
	"  discovery                 what is there: the sensor and its probes\n"
	"  status                    state, level, counters\n"
	"  records                   what the probes recorded, each record once\n"
	"  off TARGET, on            stop, start\n"
	"  low, default, high, adversarial, increase, decrease\n"
	"                            set the level\n"
	"  reset TARGET              back to the state after start; records are dropped\n"
	"                            (off and reset want the target written: '*' is all)\n"
	"  add TARGET ITEM, remove TARGET ITEM\n"
	"                            change the list of what a probe looks at\n"
	"  lock DOMAIN               hand Xen's sensor over to DOMAIN (id or name)\n"
	"  lock --nobody             or to nobody: nobody changes anything any more.\n"
	"                            You are not asked whether you are sure, and NOTHING\n"
	"                            BUT A REBOOT OF THE HOST UNDOES IT\n"
	"  raw                       pass protocol lines from stdin, replies to stdout\n"
	"  compare                   what Xen sees against what Dom0 says, in Dom0\n"
	"  help [COMMAND]            this, or all about one command\n"
	"\n"
	WHICH
	"\n"
	"With records:\n"
	RECORDS
	"\n"
	"With compare (--socket: the module's, default " MODULE "):\n"
	COMPARE
	"\n"
	OUTPUT
	"\n"
	"  -h, --help, --version\n"
	"\n"
	STATUS
	"Of compare: 0 all agrees, 1 findings, 2 usage, 3 a check is blind or\n"
	"unconfirmed, or it could not write.\n"
	"More in ksense(1).\n";

/*
 * Of one command.  Behind its usage, what it does and, perhaps, options of its own come those that
 * it shares, and then its example.
 */
struct text {
	const char *usage, *what, *options, *example;
};

#define LEVEL(word, does)                                                                     \
	{                                                                                     \
		.usage = word " [TARGET]",                                                    \
		.what = does "\n" TARGET ",\nwhich is the default.  The levels are low, "     \
			"default, high and adversarial, in the\norder of what they cost.\n",  \
		.example = "ksense " word " xen-text",                                        \
	}

static const struct text texts[COMMANDS] = {
	[KS_CMD_DISCOVERY] = {
		.usage = "discovery",
		.what = "Names and uuids of what is there: the sensor first, then its probes.\n",
		.example = "ksense discovery",
	},
	[KS_CMD_STATUS] = {
		.usage = "status [TARGET]",
		.what = "State, level and counters.\n" TARGET ",\nwhich is the default.\n",
		.example = "ksense status xen-domains",
	},
	[KS_CMD_RECORDS] = {
		.usage = "records [TARGET]",
		.what = "What the probes recorded.  Each record is given once: what you take, nobody\n"
			"else gets, unless you --peek.\n" TARGET ",\nwhich is the default.\n",
		.options = "Which records:\n" RECORDS,
		.example = "ksense records xen-domains --run --peek --filter kind=domain",
	},
	[KS_CMD_OFF] = {
		.usage = "off TARGET",
		.what = "Stops probes.  They keep their records.\n" TARGET ";\nit has to be written.\n",
		.example = "ksense off xen-pagetables",
	},
	[KS_CMD_ON] = {
		.usage = "on [TARGET]",
		.what = "Starts probes that are off.\n" TARGET ",\nwhich is the default.\n",
		.example = "ksense on",
	},
	[KS_CMD_LOW] = LEVEL("low", "Sets the lowest level: the cheapest that still protects."),
	[KS_CMD_DEFAULT] = LEVEL("default", "Sets the level for every day."),
	[KS_CMD_HIGH] = LEVEL("high", "Sets the level high: more often, and at random moments."),
	[KS_CMD_ADVERSARIAL] = LEVEL("adversarial", "Sets the highest level: as if an attacker were active."),
	[KS_CMD_INCREASE] = LEVEL("increase", "One level up, if there is one; says which."),
	[KS_CMD_DECREASE] = LEVEL("decrease", "One level down, if there is one; says which."),
	[KS_CMD_RESET] = {
		.usage = "reset TARGET",
		.what = "Back to the state after start.  Records and counters are gone, and baselines are\n"
			"taken anew: WHAT WAS FOUND MODIFIED UNTIL THEN IS THE NEW BASELINE.\n"
			TARGET ";\nit has to be written.\n",
		.example = "ksense records xen-text >before.jsonl && ksense reset xen-text",
	},
	[KS_CMD_ADD] = {
		.usage = "add TARGET ITEM",
		.what = "Puts ITEM on the list of what a probe looks at.  TARGET is one probe that has a\n"
			"list; its page says what an item is.\n",
		.example = "ksense add files /etc/fstab --socket " MODULE,
	},
	[KS_CMD_REMOVE] = {
		.usage = "remove TARGET ITEM",
		.what = "Takes ITEM off the list of what a probe looks at.  TARGET is one probe that has\n"
			"a list; its page says what an item is.\n",
		.example = "ksense remove files /etc/fstab --socket " MODULE,
	},
	[CMD_RAW] = {
		.usage = "raw",
		.what = "Passes lines of the protocol from standard input to the sensor, and its replies\n"
			"to standard output.\n",
		.example = "echo '{Virtue-protocol-version: 0.1,\n"
			   "  request: [4f1c0e6a9d2b4c58a7e3, low, xen-text]}' | tr -d '\\n' | ksense raw",
	},
	[CMD_COMPARE] = {
		.usage = "compare",
		.what = "Holds what Xen sees against what Dom0 says, check by check, and looks again at\n"
			"what differs; what stays is a finding.\n",
		.options = "What to compare, and how often:\n" COMPARE
			   "  --interval S              seconds between two rounds of --watch (default 1)\n"
			   "  --socket PATH             where Dom0's module listens\n"
			   "                            (" MODULE ")\n"
			   TIMEOUT,
		.example = "ksense compare --watch --heartbeat 60 --accept no-module",
	},
	[CMD_LOCK] = {
		.usage = "lock DOMAIN | lock --nobody",
		.what = "Hands Xen's sensor over to DOMAIN, an id or a name that the toolstack knows: from\n"
			"then on that domain may do everything, and Dom0 what \"sense=dom0=\" on Xen's\n"
			"command line leaves it.  You are not asked whether you are sure, and NOTHING BUT\n"
			"A REBOOT OF THE HOST UNDOES IT.\n",
		.options = "To whom:\n"
			   "  --nobody                  to nobody: nobody changes anything any more\n"
			   "  --xen                     the sensor in Xen, the only one that has a lock\n"
			   TIMEOUT,
		.example = "ksense lock sensing",
	},
};

/* === Interface ========================================================== */

bool help_has(int command)
{
	return texts[command].usage;
}

void help_show(int command)
{
	const struct text *text = &texts[command < 0 ? 0 : command];

	if (command < 0) {
		fputs(of_all, stdout);
		return;
	}
	printf("Usage: ksense [OPTION]... %s\n%s\n", text->usage, text->what);
	if (text->options)
		printf("%s\n", text->options);
	if (command != CMD_COMPARE && command != CMD_LOCK)
		fputs(WHICH "\n", stdout);
	if (command != CMD_RAW)
		fputs(OUTPUT "\n", stdout);
	printf("  -h, --help\n\nExample:\n  %s\n\n", text->example);
	fputs(command == CMD_COMPARE ? STATUS_COMPARE : STATUS, stdout);
	fputs("More in ksense(1).\n", stdout);
}
