import type { Counter, Gauge, Labels, Metrics } from "@cairn/kit";
import { hexId } from "./channel.ts";

/** The metrics of p2p/metrics.go that a TCP node touches. */
export class P2pMetrics {
	readonly peers: Gauge;
	readonly sendQueueSize: Gauge;
	readonly #peerReceived: Counter;
	readonly #peerSent: Counter;
	readonly #messageReceived: Counter;
	readonly #messageSent: Counter;

	constructor(metrics: Metrics) {
		const perChannel = ["peer_id", "chID"];
		const perType = ["message_type"];
		this.peers = metrics.gauge("p2p_peers", "Number of peers.");
		this.sendQueueSize = metrics.gauge(
			"p2p_peer_send_queue_size",
			"Number of messages that are currently being sent to a given peer.",
			["peer_id"],
		);
		this.#peerReceived = metrics.counter(
			"p2p_peer_receive_bytes_total",
			"Number of bytes received from a given peer.",
			perChannel,
		);
		this.#peerSent = metrics.counter("p2p_peer_send_bytes_total", "Number of bytes sent to a given peer.", perChannel);
		this.#messageReceived = metrics.counter(
			"p2p_message_receive_bytes_total",
			"Number of bytes of each message type received.",
			perType,
		);
		this.#messageSent = metrics.counter(
			"p2p_message_send_bytes_total",
			"Number of bytes of each message type sent.",
			perType,
		);
	}

	received(labels: Labels, bytes: number, type: string | undefined): void {
		this.#peerReceived.add(bytes, labels);
		if (type !== undefined) this.#messageReceived.add(bytes, { message_type: type });
	}

	sent(labels: Labels, bytes: number, type: string | undefined): void {
		this.#peerSent.add(bytes, labels);
		if (type !== undefined) this.#messageSent.add(bytes, { message_type: type });
	}
}

/** Labels of one channel of one peer. */
export function channelLabels(peerId: string, channelId: number): Labels {
	return { peer_id: peerId, chID: hexId(channelId) };
}
