/* nDPI wants packets, a record has the first payload bytes of both sides and the sizes of the first
 * packets that carried them: the packets are made again from these, what is not held as zeros.
 *
 * They are IPv6 with the same two addresses, whatever the flow is: nDPI 4.2 remembers IPv4 ends in
 * caches and has lists of addresses of companies, by which a flow would be named after another one
 * or after its owner. Nothing is guessed by port: ndpi_detection_giveup() is not asked. */
#include "feature/dissect.h"

#include <ctype.h>
#include <ndpi/ndpi_api.h>
#include <netinet/in.h>
#include <string.h>

enum {
	IP_HEAD = 40,
	TCP_HEAD = 20,
	UDP_HEAD = 8,
	LONGEST = 2048, /* payload of a made packet; many protocols look at its size */
	SLACK = 64,     /* zeros behind it, should a dissector look further than it may */
	NAME = 24,
	PROTOCOLS = NDPI_LAST_IMPLEMENTED_PROTOCOL,
	TCP_PUSH_ACK = 0x18,
};

static struct ndpi_detection_module_struct *module;
static char name_of[PROTOCOLS][NAME];

/* Protocols of the services, and those that Suricata has another name for than nDPI. */
static const struct known {
	uint16_t protocol;
	struct naming name;
} known[] = {
	{NDPI_PROTOCOL_HTTP, {"http", SERVICE_HTTP}},
	{NDPI_PROTOCOL_HTTP_CONNECT, {"http", SERVICE_HTTP}},
	{NDPI_PROTOCOL_HTTP_PROXY, {"http", SERVICE_HTTP}},
	{NDPI_PROTOCOL_SSH, {"ssh", SERVICE_SSH}},
	{NDPI_PROTOCOL_TLS, {"tls", SERVICE_SSL}},
	{NDPI_PROTOCOL_MAIL_IMAPS, {"tls", SERVICE_SSL}},
	{NDPI_PROTOCOL_MAIL_POPS, {"tls", SERVICE_SSL}},
	{NDPI_PROTOCOL_MAIL_SMTPS, {"tls", SERVICE_SSL}},
	{NDPI_PROTOCOL_RADIUS, {"radius", SERVICE_RADIUS}},
	{NDPI_PROTOCOL_SMBV1, {"smb", SERVICE_NONE}},
	{NDPI_PROTOCOL_SMBV23, {"smb", SERVICE_NONE}},
	{NDPI_PROTOCOL_DCERPC, {"dcerpc", SERVICE_NONE}},
	{NDPI_PROTOCOL_ETHERNET_IP, {"enip", SERVICE_NONE}},
	{NDPI_PROTOCOL_IP_IPSEC, {"ike", SERVICE_NONE}},
	{NDPI_PROTOCOL_KERBEROS, {"krb5", SERVICE_NONE}},
	{NDPI_PROTOCOL_POSTGRES, {"pgsql", SERVICE_NONE}},
	{NDPI_PROTOCOL_VNC, {"rfb", SERVICE_NONE}},
};

/* Not asked of nDPI: what service.c tells itself and says why; FTP data, which it tells by what a
 * file begins with, whoever sends it; and Ookla's speed test, which it remembers by addresses of
 * either version. */
static const uint16_t unasked[] = {NDPI_PROTOCOL_DNS, NDPI_PROTOCOL_MDNS, NDPI_PROTOCOL_LLMNR,
	NDPI_PROTOCOL_DHCP, NDPI_PROTOCOL_SNMP, NDPI_PROTOCOL_FTP_CONTROL, NDPI_PROTOCOL_MAIL_SMTP,
	NDPI_PROTOCOL_MAIL_POP, NDPI_PROTOCOL_IRC, NDPI_PROTOCOL_FTP_DATA, NDPI_PROTOCOL_OOKLA};

static bool load(void)
{
	NDPI_PROTOCOL_BITMASK asked;

	module = ndpi_init_detection_module(ndpi_dont_load_tor_hosts | ndpi_dont_init_libgcrypt);
	if (!module)
		return false;
	NDPI_BITMASK_SET_ALL(asked);
	for (size_t i = 0; i < sizeof(unasked) / sizeof(unasked[0]); i++)
		NDPI_BITMASK_DEL(asked, unasked[i]);
	ndpi_set_protocol_detection_bitmask2(module, &asked);
	ndpi_finalize_initialization(module);
	for (int id = 0; id < PROTOCOLS; id++) {
		const char *name = ndpi_get_proto_name(module, (uint16_t)id);

		for (int i = 0; i < NAME - 1 && name[i]; i++)
			name_of[id][i] = (char)tolower((unsigned char)name[i]);
	}
	return true;
}

/* ---- packets ---- */

/* A conversation while it is made again. */
struct talk {
	const struct record *r;
	struct ndpi_flow_struct flow;
	uint32_t sent[2]; /* payload bytes so far, held ones or not */
	int shown[2];     /* of the held ones */
};

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

/* The headers of a packet with `size` bytes of payload; returns where that goes. */
static uint8_t *put_heads(uint8_t *packet, const struct talk *t, int side, int size)
{
	uint8_t *transport = packet + IP_HEAD;
	int head = t->r->proto == IPPROTO_TCP ? TCP_HEAD : UDP_HEAD;

	/* The longest: the last packet's may reach into what is this one's payload. */
	memset(packet, 0, IP_HEAD + TCP_HEAD);
	packet[0] = 0x60;
	put16(packet + 4, (unsigned)(head + size));
	packet[6] = t->r->proto;
	packet[7] = 64;
	put32(packet + 8, 0x20010db8); /* 2001:db8::1 and ::2 */
	put32(packet + 24, 0x20010db8);
	packet[23] = side == SRC ? 1 : 2;
	packet[39] = side == SRC ? 2 : 1;
	put16(transport, t->r->port[side]);
	put16(transport + 2, t->r->port[!side]);
	if (head == UDP_HEAD) {
		put16(transport + 4, (unsigned)(head + size));
	} else {
		put32(transport + 4, 1 + t->sent[side]);
		put32(transport + 8, 1 + t->sent[!side]);
		transport[12] = TCP_HEAD / 4 << 4;
		transport[13] = TCP_PUSH_ACK;
		put16(transport + 14, 65535);
	}
	return transport + head;
}

/* The nth packet of a side, if any of its bytes are held. */
static ndpi_protocol show_packet(struct talk *t, int side, int nth)
{
	static uint8_t packet[IP_HEAD + TCP_HEAD + LONGEST + SLACK]; /* zeros between two calls */
	const struct flow_side *f = &t->r->side[side];
	int held = f->data_len - t->shown[side], size = f->size[nth];
	ndpi_protocol none = NDPI_PROTOCOL_NULL, found;
	uint8_t *payload;

	if (held <= 0)
		return none;
	if (size == 0)
		size = held;
	if (size > LONGEST)
		size = LONGEST;
	if (held > size)
		held = size;
	payload = put_heads(packet, t, side, size);
	memcpy(payload, f->data + t->shown[side], (size_t)held);
	found = ndpi_detection_process_packet(
		module, &t->flow, packet, (unsigned short)(payload - packet + size), 1);
	memset(payload, 0, (size_t)held);
	t->shown[side] += held;
	t->sent[side] += (uint32_t)size;
	return found;
}

/* The first packets of each side, the sides in turn. The protocol, 0: none is recognised. */
static uint16_t recognise(const struct record *r, int first_side, int packets)
{
	struct talk t = {.r = r};
	ndpi_protocol p = NDPI_PROTOCOL_NULL;

	for (int nth = 0; nth < packets && !p.app_protocol && !p.master_protocol; nth++) {
		p = show_packet(&t, first_side, nth);
		if (!p.app_protocol && !p.master_protocol)
			p = show_packet(&t, !first_side, nth);
	}
	ndpi_free_flow_data(&t.flow);
	/* The protocol rather than whom it serves ("TLS.Google"), except that SMB over NetBIOS is
	 * SMB. */
	if (!p.master_protocol || p.master_protocol == NDPI_PROTOCOL_NETBIOS)
		return p.app_protocol;
	return p.master_protocol;
}

/* Nearly all that is recognised is so by the first packet of a side. Who spoke first over TCP is
 * not known, and some protocols are recognised in one order only. */
struct naming dissect(const struct record *r)
{
	uint16_t id;

	if (!module && !load())
		return (struct naming){NULL, SERVICE_NONE};
	id = recognise(r, SRC, 2);
	if (!id && r->proto == IPPROTO_TCP && r->side[SRC].data_len && r->side[DST].data_len)
		id = recognise(r, DST, 1);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (id == known[i].protocol)
			return known[i].name;
	return (struct naming){id && id < PROTOCOLS ? name_of[id] : NULL, SERVICE_NONE};
}
