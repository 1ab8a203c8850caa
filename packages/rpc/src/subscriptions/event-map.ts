import type { ChainEvent } from "@cairn/chain";
import { toUpperHex } from "@cairn/kit";
import type { EventMap } from "@cairn/storage";
import { EVENT_TYPE_KEY, TX_HASH_KEY, TX_HEIGHT_KEY, txHash } from "@cairn/types";
import type { abci } from "@cairn/types/proto";

/** What queries are matched against: the application's attributes and CometBFT's own (types/event_bus.go). */
export function eventMapOf(event: ChainEvent): EventMap {
	const map = new Map<string, string[]>();
	switch (event.name) {
		case "NewBlock":
			addAttributes(map, event.result.events);
			break;
		case "NewBlockEvents":
			addAttributes(map, event.events);
			break;
		case "Tx":
			addAttributes(map, event.result.events);
			break;
		default:
	}
	add(map, EVENT_TYPE_KEY, event.name);
	if (event.name === "Tx") {
		add(map, TX_HASH_KEY, toUpperHex(txHash(event.tx)));
		add(map, TX_HEIGHT_KEY, String(event.height));
	}
	return map;
}

/** Attributes without a name, or of an event without a type, cannot be asked for. */
function addAttributes(map: Map<string, string[]>, events: readonly abci.Event[]): void {
	for (const { type, attributes } of events) {
		if (type === "") continue;
		for (const { key, value } of attributes) if (key !== "") add(map, `${type}.${key}`, value);
	}
}

function add(map: Map<string, string[]>, key: string, value: string): void {
	const values = map.get(key);
	if (values === undefined) map.set(key, [value]);
	else values.push(value);
}
