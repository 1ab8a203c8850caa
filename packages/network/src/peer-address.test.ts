import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatIp, isLocal, isRoutable, parseIp } from "./ip-address.ts";
import {
	addressProblem,
	dialString,
	formatPeerAddress,
	isSamePeer,
	parsePeerAddress,
	socketIp,
} from "./peer-address.ts";

const ID = "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";

describe("peer addresses", () => {
	// The cases of p2p/netaddress_test.go (TestNewNetAddressString), names not being looked up.
	const good: readonly (readonly [text: string, canonical: string])[] = [
		[`${ID}@127.0.0.1:8080`, `${ID}@127.0.0.1:8080`],
		[`tcp://${ID}@127.0.0.1:8080`, `${ID}@127.0.0.1:8080`],
		[`udp://${ID}@127.0.0.1:8080`, `${ID}@127.0.0.1:8080`],
		[`${ID.toUpperCase()}@127.0.0.1:8080`, `${ID}@127.0.0.1:8080`],
		[`${ID}@[::1]:26656`, `${ID}@[::1]:26656`],
		[`${ID}@[2001:0DB8:0:0:0:0:0:1]:1`, `${ID}@[2001:db8::1]:1`],
		[`${ID}@[::ffff:10.0.0.1]:1`, `${ID}@10.0.0.1:1`],
		[`${ID}@validator-0_a.example.com:0`, `${ID}@validator-0_a.example.com:0`],
	];
	for (const [text, canonical] of good) {
		it(`reads ${text}`, () => assert.equal(formatPeerAddress(parsePeerAddress(text)), canonical));
	}

	const bad: readonly (readonly [text: string, problem: RegExp])[] = [
		["", /does not contain an ID/],
		["127.0.0.1:8080", /does not contain an ID/],
		["tcp://127.0.0.1:8080", /does not contain an ID/],
		["@127.0.0.1:8080", /no ID before the @/],
		["deadbeef@127.0.0.1:8080", /8 digits, expected 40/],
		["this-isnot-hex@127.0.0.1:8080", /not hexadecimal/],
		["xxxxbeefdeadbeefdeadbeefdeadbeefdeadbeef@127.0.0.1:8080", /not hexadecimal/],
		[`${ID}@${ID}@127.0.0.1:8080`, /more than one @/],
		[`${ID}@127.0.0.1`, /missing port/],
		[`${ID}@127.0.0.1:`, /the port "" is not a number/],
		[`${ID}@127.0.0.1:65536`, /the port "65536" is not a number/],
		[`${ID}@127.0.0.1:-1`, /the port "-1" is not a number/],
		[`${ID}@:8080`, /the host is empty/],
		[`${ID}@::1:8080`, /too many colons/],
		[`${ID}@[::1:8080`, /missing \]/],
		[`${ID}@[::1]`, /missing/],
		[`${ID}@exa mple:80`, /no IP address or name/],
		[`${ID}@999.0.0.1.x/:80`, /no IP address or name/],
	];
	for (const [text, problem] of bad) {
		it(`says what is wrong with ${JSON.stringify(text)}`, () => {
			const shape = { code: "p2p-malformed-address", blame: "operator" };
			assert.throws(
				() => parsePeerAddress(text),
				(error: Error) => {
					assert.match(error.message, problem);
					return true;
				},
			);
			assert.throws(() => parsePeerAddress(text), shape);
		});
	}

	it("are the same with the same id or the same place", () => {
		const other = "a".repeat(40);
		const address = parsePeerAddress(`${ID}@10.0.0.1:1`);
		assert.ok(isSamePeer(address, parsePeerAddress(`${ID}@10.0.0.2:2`)));
		assert.ok(isSamePeer(address, parsePeerAddress(`${other}@10.0.0.1:1`)));
		assert.ok(!isSamePeer(address, parsePeerAddress(`${other}@10.0.0.1:2`)));
		assert.equal(dialString(parsePeerAddress(`${ID}@[::1]:7`)), "[::1]:7");
	});

	it("of nowhere are not kept", () => {
		for (const host of ["0.0.0.0", "[::]", "255.255.255.255", "[2001:db8::1]", "name.example"]) {
			assert.notEqual(addressProblem(parsePeerAddress(`${ID}@${host}:1`)), undefined);
		}
		assert.equal(addressProblem(parsePeerAddress(`${ID}@10.0.0.1:1`)), undefined);
	});

	it("of sockets give their IP", () => {
		assert.equal(socketIp("127.0.0.1:26656"), "127.0.0.1");
		assert.equal(socketIp("[::ffff:127.0.0.1]:26656"), "127.0.0.1");
		assert.equal(socketIp("[fe80::1%eth0]:26656"), "fe80::1");
		assert.equal(socketIp("/run/socket"), undefined);
	});
});

describe("IP addresses", () => {
	it("have one canonical form", () => {
		const forms: readonly (readonly [text: string, canonical: string | undefined])[] = [
			["1.2.3.4", "1.2.3.4"],
			["01.2.3.4", undefined],
			["1.2.3", undefined],
			["1.2.3.256", undefined],
			["::", "::"],
			["0:0:0:0:0:0:0:1", "::1"],
			["1::", "1::"],
			["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
			["1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
			["::1.2.3.4", "::102:304"],
			["::ffff:1.2.3.4", "1.2.3.4"],
			["1:2:3:4:5:6:7:8:9", undefined],
			["1:2:3:4:5:6:7", undefined],
			["1::2::3", undefined],
			[":1:2:3:4:5:6:7:8", undefined],
			["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
			["1:2:3:4:5:6:7:8::", undefined],
			["12345::", undefined],
			[":", undefined],
			[":::", undefined],
			["1.2.3.4::", undefined],
			["fe80::1%eth0", undefined],
		];
		for (const [text, canonical] of forms) {
			const ip = parseIp(text);
			assert.equal(ip && formatIp(ip), canonical, text);
		}
	});

	it("are routable, local or neither as in Go", () => {
		// Of p2p/netaddress_test.go (TestNetAddressProperties) and the ranges of p2p/netaddress.go.
		const cases: readonly (readonly [text: string, routable: boolean, local: boolean])[] = [
			["127.0.0.1", false, true],
			["0.1.2.3", false, true],
			["::1", false, true],
			["192.0.2.1", true, false],
			["8.8.8.8", true, false],
			["10.1.2.3", false, false],
			["172.15.0.1", true, false],
			["172.31.255.255", false, false],
			["172.32.0.1", true, false],
			["192.168.1.1", false, false],
			["169.254.1.1", false, false],
			["255.255.255.255", false, false],
			["2001:db8::1", false, false],
			["fd00::1", false, false],
			["fe80::1", false, false],
			["fe80:0:0:1::1", true, false],
			["2001:10::1", false, false],
			["2606:4700::1111", true, false],
		];
		for (const [text, routable, local] of cases) {
			const ip = parseIp(text);
			assert.ok(ip !== undefined);
			assert.deepEqual([isRoutable(ip), isLocal(ip)], [routable, local], text);
		}
	});
});
