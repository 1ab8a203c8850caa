import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { TestCli } from "./test-context.ts";

interface PeerIdCase {
	readonly comet_node_id: string;
	readonly key_type: string;
	readonly node_key_json: string;
	readonly peer_id: string;
}

test("show-node-id prints the ids that the real node has for the same key files", async () => {
	const path = new URL("../../../../vectors/lp2p.json", import.meta.url);
	const { peer_ids } = JSON.parse(readFileSync(path, "utf8")) as { peer_ids: PeerIdCase[] };
	const cases = peer_ids.filter((one) => one.key_type === "ed25519");
	assert.ok(cases.length > 0);
	for (const one of cases) {
		const cli = new TestCli();
		await cli.write("/user/.cairn/config/node_key.json", one.node_key_json);
		assert.equal(await cli.run("show-node-id"), 0);
		assert.equal(cli.out, `${one.comet_node_id}\n`);
		assert.equal(await cli.run("show_node_id", "--libp2p"), 0);
		assert.equal(cli.out, `${one.peer_id}\n`);
	}
});
