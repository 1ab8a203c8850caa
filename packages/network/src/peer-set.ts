import type { ConnectedPeer } from "./connected-peer.ts";

/** The connected peers by id, with counts of their IP addresses. */
export class PeerSet {
	readonly #byId = new Map<string, ConnectedPeer>();
	readonly #byIp = new Map<string, number>();
	#list: readonly ConnectedPeer[] = [];

	/** A list that does not change when peers come and go. */
	get list(): readonly ConnectedPeer[] {
		return this.#list;
	}

	get size(): number {
		return this.#byId.size;
	}

	get(id: string): ConnectedPeer | undefined {
		return this.#byId.get(id);
	}

	has(id: string): boolean {
		return this.#byId.has(id);
	}

	hasIp(ip: string): boolean {
		return this.#byIp.has(ip);
	}

	add(peer: ConnectedPeer): void {
		this.#byId.set(peer.id, peer);
		this.#byIp.set(peer.remoteIp, (this.#byIp.get(peer.remoteIp) ?? 0) + 1);
		this.#list = [...this.#byId.values()];
	}

	/** False if this very peer is not in the set. */
	delete(peer: ConnectedPeer): boolean {
		if (this.#byId.get(peer.id) !== peer) return false;
		this.#byId.delete(peer.id);
		const left = (this.#byIp.get(peer.remoteIp) ?? 0) - 1;
		if (left > 0) this.#byIp.set(peer.remoteIp, left);
		else this.#byIp.delete(peer.remoteIp);
		this.#list = [...this.#byId.values()];
		return true;
	}
}
