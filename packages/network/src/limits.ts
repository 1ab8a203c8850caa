/** Every bound of this room, with its reason. Durations in milliseconds, sizes in bytes. */

// Secret connection (p2p/conn/secret_connection.go). The first four are wire format.

/** Data of one sealed frame. */
export const FRAME_DATA_SIZE = 1024;
/** Little-endian length in front of a frame's data. */
export const FRAME_LENGTH_SIZE = 4;
/** A frame before sealing: length and data, padded. */
export const FRAME_SIZE: number = FRAME_LENGTH_SIZE + FRAME_DATA_SIZE;
/** A frame on the wire: with the tag of Poly1305. */
export const SEALED_FRAME_SIZE: number = FRAME_SIZE + 16;
/** The message with the ephemeral key has 35 bytes; Go reads up to 1 MiB from a stranger, we do not. */
export const MAX_EPHEMERAL_MESSAGE = 64;
/** The authentication message has 103 bytes with ed25519, the only node key; larger key types do not enter anyway. */
export const MAX_AUTH_MESSAGE = 256;

// Node info (p2p/node_info.go).

/** As in Go, its length not counted. */
export const MAX_NODE_INFO_SIZE = 10_240;
/** As in Go. */
export const MAX_NODE_INFO_CHANNELS = 16;

// MConnection (p2p/conn/connection.go).

/** Go's default of `max_packet_msg_payload_size`. Peers must agree on it. */
export const DEFAULT_PACKET_PAYLOAD = 1024;
/** Go's defaults: ping each minute, and the answer must come before the next ping. */
export const PING_INTERVAL = 60_000;
export const PONG_TIMEOUT = 45_000;
/** Go's period and factor by which `recentlySent` of a channel decays. */
export const RECENTLY_SENT_PERIOD = 2_000;
export const RECENTLY_SENT_DECAY = 0.8;
/** Packets are sealed and written in batches of about this size: one system call, no large buffer. */
export const WRITE_BATCH = 65_536;
/** A token bucket holds the tokens of this time, as Go's flowrate samples of 100 ms do. */
export const RATE_WINDOW = 100;
/** Buffers for arriving messages grow from this size, doubling, never beyond the capacity of the channel. */
export const FIRST_RECEIVE_BUFFER = 4_096;
/** A channel whose last long message was of some size starts with a buffer of that size, but not beyond this. */
export const LARGEST_FIRST_RECEIVE_BUFFER = 131_072;
/**
 * Half-received messages of all peers together: one peer may make a channel hold 100 MiB, forty must not make it
 * forty times. When it is exceeded, the peer that holds most is stopped.
 */
export const MAX_REASSEMBLY_BYTES = 268_435_456;
/** How long a stopped connection may take to write out what it was asked to send. */
export const CLOSE_GRACE = 2_000;

// Switchboard (p2p/switch.go, p2p/transport.go).

/** Go's default of `dial_timeout` and `handshake_timeout` in config.toml. */
export const DIAL_TIMEOUT = 3_000;
export const HANDSHAKE_TIMEOUT = 20_000;
/** Go's time for peer filters to answer. */
export const FILTER_TIMEOUT = 5_000;
/**
 * Connections that came in and are not authenticated yet. When one more comes, the one that has shown least is
 * closed (see `HalfOpen`): 500 strangers that say nothing must not keep an honest peer out.
 */
export const MAX_HALF_OPEN = 256;
/** Go's random delay before each dial: 0 … 3 s. */
export const DIAL_JITTER = 3_000;
/** Go's redial schedule: 20 times after 5 s, then 10 times after 3^n s; the random delay comes on top. */
export const REDIAL_ATTEMPTS = 20;
export const REDIAL_INTERVAL = 5_000;
export const REDIAL_BACKOFF_ATTEMPTS = 10;
export const REDIAL_BACKOFF_BASE = 3;
/** A connection that held less long is not redialled at once: the other side may refuse us after each handshake. */
export const STABLE_CONNECTION = 10_000;
/** Period of p2p_peer_send_queue_size (Go's metricsTickerDuration). */
export const QUEUE_METRIC_PERIOD = 10_000;

// Faults (ours; Go only has the address book's ban).

/** A fault counts for this long. */
export const FAULT_WINDOW = 600_000;
/** So many faults of one node id within the window ban it. */
export const MAX_FAULTS_PER_PEER = 3;
/** So many of one public IP address, under whatever id: new ids cost nothing. */
export const MAX_FAULTS_PER_IP = 12;
/** First ban; doubles with each next one, up to Go's `defaultBanTime` of 24 h. */
export const FIRST_BAN = 60_000;
export const LONGEST_BAN = 86_400_000;
/** Remembered ids and addresses; the one that was heard of longest ago is forgotten first. */
export const MAX_FAULT_RECORDS = 4_096;
