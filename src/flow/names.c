/* Names: states, protocols, addresses. */
#include "flow/record.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

static const char *const states[STATES] = {
	[STATE_REQ] = "REQ",
	[STATE_ACC] = "ACC",
	[STATE_CON] = "CON",
	[STATE_FIN] = "FIN",
	[STATE_RST] = "RST",
	[STATE_INT] = "INT",
	[STATE_RSP] = "RSP",
	[STATE_ECO] = "ECO",
	[STATE_ECR] = "ECR",
	[STATE_URN] = "URN",
	[STATE_URH] = "URH",
	[STATE_URP] = "URP",
	[STATE_URO] = "URO",
	[STATE_URF] = "URF",
	[STATE_URFIL] = "URFIL",
	[STATE_UR] = "UR",
	[STATE_TXD] = "TXD",
	[STATE_PAR] = "PAR",
	[STATE_RED] = "RED",
	[STATE_SRC] = "SRC",
	[STATE_MAS] = "MAS",
	[STATE_TST] = "TST",
	[STATE_IRQ] = "IRQ",
	[STATE_RTA] = "RTA",
	[STATE_RTS] = "RTS",
	[STATE_NRS] = "NRS",
	[STATE_NNS] = "NNS",
	[STATE_MRQ] = "MRQ",
	[STATE_MHR] = "MHR",
	[STATE_UNK] = "UNK",
	[STATE_CLO] = "CLO",
	[STATE_NO] = "no",
};

/* Argus's finer names of states that are one here. */
static const struct {
	const char *name;
	enum record_state state;
} finer[] = {
	{"URNR", STATE_URN},
	{"URAR", STATE_URH},
	{"URAD", STATE_URFIL},
	{"PTB", STATE_URF},
	{"URS", STATE_UR},
	{"URSF", STATE_UR},
	{"URBS", STATE_UR},
	{"URNU", STATE_UR},
	{"URHU", STATE_UR},
	{"URISO", STATE_UR},
	{"URNPRO", STATE_UR},
	{"URHPRO", STATE_UR},
	{"URNTOS", STATE_UR},
	{"URHTOS", STATE_UR},
	{"URPRE", STATE_UR},
	{"URCUT", STATE_UR},
	{"TXT", STATE_TXD},
	{"TXR", STATE_TXD},
	{"PPH", STATE_PAR},
	{"PPNH", STATE_PAR},
	{"PPO", STATE_PAR},
	{"TSR", STATE_TST},
	{"MSR", STATE_MAS},
	{"IRR", STATE_IRQ},
	{"NRA", STATE_NRS},
	{"NNA", STATE_NNS},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *record_state_name(enum record_state s)
{
	return (unsigned)s < STATES ? states[s] : states[STATE_NO];
}

enum record_state record_state_of(const char *name)
{
	for (unsigned i = 0; i < STATES; i++)
		if (strcasecmp(name, states[i]) == 0)
			return (enum record_state)i;
	for (unsigned i = 0; i < COUNT(finer); i++)
		if (strcasecmp(name, finer[i].name) == 0)
			return finer[i].state;
	return STATE_NO;
}

/* By number, as Argus 3.0.8.2 prints them; numbers behind the table are "unas". */
static const char *const protocols[] = {
	"ip",
	"icmp",
	"igmp",
	"ggp",
	"ipnip",
	"st2",
	"tcp",
	"cbt",
	"egp",
	"igp",
	"bbn-rcc",
	"nvp",
	"pup",
	"argus",
	"emcon",
	"xnet",
	"chaos",
	"udp",
	"mux",
	"dcn",
	"hmp",
	"prm",
	"xns-idp",
	"trunk-1",
	"trunk-2",
	"leaf-1",
	"leaf-2",
	"rdp",
	"irtp",
	"iso-tp4",
	"netblt",
	"mfe-nsp",
	"merit-inp",
	"sep",
	"3pc",
	"idpr",
	"xtp",
	"ddp",
	"idpr-cmtp",
	"tp++",
	"il",
	"ipv6",
	"sdrp",
	"ipv6-route",
	"ipv6-frag",
	"idrp",
	"rsvp",
	"gre",
	"mhrp",
	"bna",
	"esp",
	"ah",
	"i-nlsp",
	"swipe",
	"narp",
	"mobile",
	"tlsp",
	"skip",
	"ipv6-icmp",
	"ipv6-no",
	"ipv6-opts",
	"any",
	"cftp",
	"any",
	"sat-expak",
	"kryptolan",
	"rvd",
	"ippc",
	"any",
	"sat-mon",
	"visa",
	"ipcv",
	"cpnx",
	"cphb",
	"wsn",
	"pvp",
	"br-sat-mon",
	"sun-nd",
	"wb-mon",
	"wb-expak",
	"iso-ip",
	"vmtp",
	"secure-vmtp",
	"vines",
	"ttp",
	"nsfnet-igp",
	"dgp",
	"tcf",
	"eigrp",
	"ospf",
	"sprite-rpc",
	"larp",
	"mtp",
	"ax.25",
	"ipip",
	"micp",
	"aes-sp3-d",
	"etherip",
	"encap",
	"pri-enc",
	"gmtp",
	"ifmp",
	"pnni",
	"pim",
	"aris",
	"scps",
	"qnx",
	"a/n",
	"ipcomp",
	"snp",
	"compaq-peer",
	"ipx-n-ip",
	"vrrp",
	"pgm",
	"zero",
	"l2tp",
	"ddx",
	"iatp",
	"stp",
	"srp",
	"uti",
	"smp",
	"sm",
	"ptp",
	"isis",
	"fire",
	"crtp",
	"crudp",
	"sccopmce",
	"iplt",
	"sps",
	"pipe",
	"sctp",
	"fc",
	"rsvp",
};

enum { PROTO_ANY = 61, PROTO_UDP = 17, PROTO_UNASSIGNED = 255 };

/* Names that come from elsewhere in Argus: one with several numbers, and two that it gives to UDP
 * by what it carries. */
static const struct {
	const char *name;
	int proto;
} aliases[] = {
	{"arp", PROTO_ARP},
	{"unas", PROTO_UNASSIGNED},
	{"any", PROTO_ANY},
	{"rtp", PROTO_UDP},
	{"rtcp", PROTO_UDP},
	{"udt", PROTO_UDP},
	{"icmpv6", 58},
	{"ospfigp", 89},
	{"st", 5},
	{"ib", 253},
};

const char *record_proto_name(uint8_t net, uint8_t proto)
{
	if (net == NET_ARP)
		return "arp";
	return proto < COUNT(protocols) ? protocols[proto] : "unas";
}

int record_proto_of(const char *name)
{
	for (unsigned i = 0; i < COUNT(aliases); i++)
		if (strcasecmp(name, aliases[i].name) == 0)
			return aliases[i].proto;
	for (unsigned i = 0; i < COUNT(protocols); i++)
		if (strcasecmp(name, protocols[i]) == 0)
			return (int)i;
	return -1;
}

static const uint8_t v4_mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* inet_ntop(), which goes by way of sprintf() and takes ten times as long. */
static void v4_text(const uint8_t addr[4], char *text)
{
	for (int i = 0; i < 4; i++) {
		unsigned byte = addr[i];

		if (byte >= 100)
			*text++ = (char)('0' + byte / 100);
		if (byte >= 10)
			*text++ = (char)('0' + byte / 10 % 10);
		*text++ = (char)('0' + byte % 10);
		*text++ = i < 3 ? '.' : 0;
	}
}

const char *addr_text(const uint8_t addr[16], char text[ADDR_TEXT])
{
	if (memcmp(addr, v4_mapped, sizeof(v4_mapped)) == 0)
		v4_text(addr + sizeof(v4_mapped), text);
	else
		inet_ntop(AF_INET6, addr, text, ADDR_TEXT);
	return text;
}

bool addr_parse(const char *text, uint8_t addr[16])
{
	memcpy(addr, v4_mapped, sizeof(v4_mapped));
	return inet_pton(AF_INET, text, addr + sizeof(v4_mapped)) == 1 ||
	       inet_pton(AF_INET6, text, addr) == 1;
}
