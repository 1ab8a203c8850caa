/** A message of the application or of evidence, and how CometBFT v0.40.0 shows it. */
export interface GoJsonCase {
	readonly kind: string;
	/** Protobuf in hexadecimal. */
	readonly hex: string;
	readonly json: string;
}

/** Printed by Go: `libs/json` within a JSON-RPC response, as rpc/jsonrpc does it. */
export const GO_JSON_CASES: readonly GoJsonCase[] = [
	{
		kind: "ExecTxResult",
		hex: "080712030102ff1a096c6f6720ff203c623e22016928fbffffffffffffffff01308080808080808080103a280a0b7472616e736665723c263e12170a0a6be280a801080c225c2f120776c3a9f09f9880180112003a0812060a046f6e6c793a060a0462617265420373646b",
		json: '{"code":7,"data":"AQL/","log":"log \\ufffd \\u003cb\\u003e","info":"i","gas_wanted":"-5","gas_used":"1152921504606846976","events":[{"type":"transfer\\u003c\\u0026\\u003e","attributes":[{"key":"k\\u2028\\u0001\\b\\f\\"\\\\/","value":"v\u00e9\ud83d\ude00","index":true},{"key":"","value":"","index":false}]},{"type":"","attributes":[{"key":"only","value":"","index":false}]},{"type":"bare","attributes":[]}],"codespace":"sdk"}',
	},
	{
		kind: "ExecTxResult",
		hex: "",
		json: '{"code":0,"data":null,"log":"","info":"","gas_wanted":"0","gas_used":"0","events":[],"codespace":""}',
	},
	{
		kind: "EventDataTx",
		hex: "080510031a027478226b080712030102ff1a096c6f6720ff203c623e22016928fbffffffffffffffff01308080808080808080103a280a0b7472616e736665723c263e12170a0a6be280a801080c225c2f120776c3a9f09f9880180112003a0812060a046f6e6c793a060a0462617265420373646b",
		json: '{"d":{"type":"tendermint/event/Tx","value":{"TxResult":{"height":"5","index":3,"tx":"dHg=","result":{"code":7,"data":"AQL/","log":"log \\ufffd \\u003cb\\u003e","info":"i","gas_wanted":"-5","gas_used":"1152921504606846976","events":[{"type":"transfer\\u003c\\u0026\\u003e","attributes":[{"key":"k\\u2028\\u0001\\b\\f\\"\\\\/","value":"v\u00e9\ud83d\ude00","index":true},{"key":"","value":"","index":false}]},{"attributes":[{"key":"only","value":"","index":false}]},{"type":"bare"}],"codespace":"sdk"}}}}}',
	},
	{
		kind: "EventDataTx",
		hex: "2200",
		json: '{"d":{"type":"tendermint/event/Tx","value":{"TxResult":{"result":{}}}}}',
	},
	{
		kind: "EventDataTx",
		hex: "08011a010022020801",
		json: '{"d":{"type":"tendermint/event/Tx","value":{"TxResult":{"height":"1","tx":"AA==","result":{"code":1}}}}}',
	},
	{
		kind: "block_results",
		hex: "0a280a0b7472616e736665723c263e12170a0a6be280a801080c225c2f120776c3a9f09f9880180112000a0812060a046f6e6c790a060a0462617265126b080712030102ff1a096c6f6720ff203c623e22016928fbffffffffffffffff01308080808080808080103a280a0b7472616e736665723c263e12170a0a6be280a801080c225c2f120776c3a9f09f9880180112003a0812060a046f6e6c793a060a0462617265420373646b12001a240a220a2000000000000000000000000000000000000000000000000000000000000000001a080a041202020310011a070a0322010510021a070a032a010610031a040a00100422410a0d080510ffffffffffffffffff01120808011202080318091a0e0a07656432353531390a033c783e220b08808080808080808080012a02080832050a03676f762a0109",
		json: '{"height":"4","txs_results":[{"code":7,"data":"AQL/","log":"log \\ufffd \\u003cb\\u003e","info":"i","gas_wanted":"-5","gas_used":"1152921504606846976","events":[{"type":"transfer\\u003c\\u0026\\u003e","attributes":[{"key":"k\\u2028\\u0001\\b\\f\\"\\\\/","value":"v\u00e9\ud83d\ude00","index":true},{"key":"","value":"","index":false}]},{"type":"","attributes":[{"key":"only","value":"","index":false}]},{"type":"bare","attributes":[]}],"codespace":"sdk"},{"code":0,"data":null,"log":"","info":"","gas_wanted":"0","gas_used":"0","events":[],"codespace":""}],"finalize_block_events":[{"type":"transfer\\u003c\\u0026\\u003e","attributes":[{"key":"k\\u2028\\u0001\\b\\f\\"\\\\/","value":"v\u00e9\ud83d\ude00","index":true},{"key":"","value":"","index":false}]},{"attributes":[{"key":"only","value":"","index":false}]},{"type":"bare"}],"validator_updates":[{"pub_key":{"Sum":{"type":"tendermint.crypto.PublicKey_Ed25519","value":{"ed25519":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}}},{"pub_key":{"Sum":{"type":"tendermint.crypto.PublicKey_Secp256K1","value":{"secp256k1":"AgM="}}},"power":"1"},{"pub_key":{"Sum":{"type":"tendermint.crypto.PublicKey_Mldsa65","value":{"mldsa65":"BQ=="}}},"power":"2"},{"pub_key":{"Sum":{"type":"tendermint.crypto.PublicKey_Secp256K1Eth","value":{"secp256k1eth":"Bg=="}}},"power":"3"},{"pub_key":{"Sum":null},"power":"4"}],"consensus_param_updates":{"block":{"max_bytes":"5","max_gas":"-1"},"evidence":{"max_age_num_blocks":"1","max_age_duration":"3000000000","max_bytes":"9"},"validator":{"pub_key_types":["ed25519","\\u003cx\\u003e"]},"version":{"app":"9223372036854775808"},"abci":{"vote_extensions_enable_height":"8"},"authority":{"authority":"gov"}},"app_hash":"CQ=="}',
	},
	{
		kind: "EventDataNewBlock",
		hex: "0a280a0b7472616e736665723c263e12170a0a6be280a801080c225c2f120776c3a9f09f9880180112000a0812060a046f6e6c790a060a0462617265126b080712030102ff1a096c6f6720ff203c623e22016928fbffffffffffffffff01308080808080808080103a280a0b7472616e736665723c263e12170a0a6be280a801080c225c2f120776c3a9f09f9880180112003a0812060a046f6e6c793a060a0462617265420373646b12001a240a220a2000000000000000000000000000000000000000000000000000000000000000001a080a041202020310011a070a0322010510021a070a032a010610031a040a00100422410a0d080510ffffffffffffffffff01120808011202080318091a0e0a07656432353531390a033c783e220b08808080808080808080012a02080832050a03676f762a0109",
		json: '{"d":{"type":"tendermint/event/NewBlock","value":{"block":null,"block_id":{"hash":"","parts":{"total":0,"hash":""}},"result_finalize_block":{"events":[{"type":"transfer\\u003c\\u0026\\u003e","attributes":[{"key":"k\\u2028\\u0001\\b\\f\\"\\\\/","value":"v\u00e9\ud83d\ude00","index":true},{"key":"","value":"","index":false}]},{"attributes":[{"key":"only","value":"","index":false}]},{"type":"bare"}],"tx_results":[{"code":7,"data":"AQL/","log":"log \\ufffd \\u003cb\\u003e","info":"i","gas_wanted":"-5","gas_used":"1152921504606846976","events":[{"type":"transfer\\u003c\\u0026\\u003e","attributes":[{"key":"k\\u2028\\u0001\\b\\f\\"\\\\/","value":"v\u00e9\ud83d\ude00","index":true},{"key":"","value":"","index":false}]},{"type":"","attributes":[{"key":"only","value":"","index":false}]},{"type":"bare","attributes":[]}],"codespace":"sdk"},{"code":0,"data":null,"log":"","info":"","gas_wanted":"0","gas_used":"0","events":[],"codespace":""}],"validator_updates":[{"pub_key":{"Sum":{"type":"tendermint.crypto.PublicKey_Ed25519","value":{"ed25519":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}}}},{"pub_key":{"Sum":{"type":"tendermint.crypto.PublicKey_Secp256K1","value":{"secp256k1":"AgM="}}},"power":"1"},{"pub_key":{"Sum":{"type":"tendermint.crypto.PublicKey_Mldsa65","value":{"mldsa65":"BQ=="}}},"power":"2"},{"pub_key":{"Sum":{"type":"tendermint.crypto.PublicKey_Secp256K1Eth","value":{"secp256k1eth":"Bg=="}}},"power":"3"},{"pub_key":{"Sum":null},"power":"4"}],"consensus_param_updates":{"block":{"max_bytes":"5","max_gas":"-1"},"evidence":{"max_age_num_blocks":"1","max_age_duration":"3000000000","max_bytes":"9"},"validator":{"pub_key_types":["ed25519","\\u003cx\\u003e"]},"version":{"app":"9223372036854775808"},"abci":{"vote_extensions_enable_height":"8"},"authority":{"authority":"gov"}},"app_hash":"CQ=="}}}}',
	},
	{
		kind: "EventDataNewBlockEvents",
		hex: "0a280a0b7472616e736665723c263e12170a0a6be280a801080c225c2f120776c3a9f09f9880180112000a0812060a046f6e6c790a060a0462617265126b080712030102ff1a096c6f6720ff203c623e22016928fbffffffffffffffff01308080808080808080103a280a0b7472616e736665723c263e12170a0a6be280a801080c225c2f120776c3a9f09f9880180112003a0812060a046f6e6c793a060a0462617265420373646b12001a240a220a2000000000000000000000000000000000000000000000000000000000000000001a080a041202020310011a070a0322010510021a070a032a010610031a040a00100422410a0d080510ffffffffffffffffff01120808011202080318091a0e0a07656432353531390a033c783e220b08808080808080808080012a02080832050a03676f762a0109",
		json: '{"d":{"type":"tendermint/event/NewBlockEvents","value":{"height":"6","events":[{"type":"transfer\\u003c\\u0026\\u003e","attributes":[{"key":"k\\u2028\\u0001\\b\\f\\"\\\\/","value":"v\u00e9\ud83d\ude00","index":true},{"key":"","value":"","index":false}]},{"attributes":[{"key":"only","value":"","index":false}]},{"type":"bare"}],"num_txs":"12"}}}',
	},
	{
		kind: "block_results",
		hex: "220e0a00120212001a0022002a003200",
		json: '{"height":"4","txs_results":null,"finalize_block_events":null,"validator_updates":null,"consensus_param_updates":{"block":{},"evidence":{"max_age_duration":"0"},"validator":{},"version":{},"abci":{},"authority":{}},"app_hash":null}',
	},
	{
		kind: "EventDataNewBlock",
		hex: "220e0a00120212001a0022002a003200",
		json: '{"d":{"type":"tendermint/event/NewBlock","value":{"block":null,"block_id":{"hash":"","parts":{"total":0,"hash":""}},"result_finalize_block":{"validator_updates":null,"consensus_param_updates":{"block":{},"evidence":{"max_age_duration":"0"},"validator":{},"version":{},"abci":{},"authority":{}}}}}}',
	},
	{
		kind: "EventDataNewBlockEvents",
		hex: "220e0a00120212001a0022002a003200",
		json: '{"d":{"type":"tendermint/event/NewBlockEvents","value":{"height":"6","events":null,"num_txs":"12"}}}',
	},
	{
		kind: "block_results",
		hex: "",
		json: '{"height":"4","txs_results":null,"finalize_block_events":null,"validator_updates":null,"consensus_param_updates":null,"app_hash":null}',
	},
	{
		kind: "EventDataNewBlock",
		hex: "",
		json: '{"d":{"type":"tendermint/event/NewBlock","value":{"block":null,"block_id":{"hash":"","parts":{"total":0,"hash":""}},"result_finalize_block":{"validator_updates":null}}}}',
	},
	{
		kind: "EventDataNewBlockEvents",
		hex: "",
		json: '{"d":{"type":"tendermint/event/NewBlockEvents","value":{"height":"6","events":null,"num_txs":"12"}}}',
	},
	{
		kind: "abci_query",
		hex: "08011a033c6c3e22016928ffffffffffffffffff0132016b3a017642140a100a0873696d706c653a761201011a01020a00484d520163",
		json: '{"response":{"code":1,"log":"\\u003cl\\u003e","info":"i","index":"-1","key":"aw==","value":"dg==","proofOps":{"ops":[{"type":"simple:v","key":"AQ==","data":"Ag=="},{"type":"","key":null,"data":null}]},"height":"77","codespace":"c"}}',
	},
	{
		kind: "abci_query",
		hex: "4200",
		json: '{"response":{"code":0,"log":"","info":"","index":"0","key":null,"value":null,"proofOps":{"ops":[]},"height":"0","codespace":""}}',
	},
	{
		kind: "abci_query",
		hex: "",
		json: '{"response":{"code":0,"log":"","info":"","index":"0","key":null,"value":null,"proofOps":null,"height":"0","codespace":""}}',
	},
	{
		kind: "abci_info",
		hex: "0a097b2261223a223c227d120176188080808080808080800120052a0101",
		json: '{"response":{"data":"{\\"a\\":\\"\\u003c\\"}","version":"v","app_version":"9223372036854775808","last_block_height":"5","last_block_app_hash":"AQ=="}}',
	},
	{
		kind: "abci_info",
		hex: "",
		json: '{"response":{}}',
	},
	{
		kind: "evidence",
		hex: "0a8a020a7c0802100a180222480a20000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f122408021220000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2a0808c0e381af06107832142c4e4d1de6fbfc05d950fc7e6461be3007dd16e43801420201024a0165520103127c0802100a180222480a20ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f122408021220000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2a0808c0e381af06107832142c4e4d1de6fbfc05d950fc7e6461be3007dd16e43801420201024a0165520103180d200a2a0808c0e381af061078",
		json: '{"evidence":[{"type":"tendermint/DuplicateVoteEvidence","value":{"vote_a":{"type":2,"height":"10","round":2,"block_id":{"hash":"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F","parts":{"total":2,"hash":"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"}},"timestamp":"2024-02-29T12:00:00.00000012Z","validator_address":"2C4E4D1DE6FBFC05D950FC7E6461BE3007DD16E4","validator_index":1,"signature":"AQI=","extension":"ZQ==","extension_signature":"Aw=="},"vote_b":{"type":2,"height":"10","round":2,"block_id":{"hash":"FF0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F","parts":{"total":2,"hash":"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"}},"timestamp":"2024-02-29T12:00:00.00000012Z","validator_address":"2C4E4D1DE6FBFC05D950FC7E6461BE3007DD16E4","validator_index":1,"signature":"AQI=","extension":"ZQ==","extension_signature":"Aw=="},"TotalVotingPower":"13","ValidatorPower":"10","Timestamp":"2024-02-29T12:00:00.00000012Z"}}]}',
	},
	{
		kind: "evidence",
		hex: "12d8060a89060ab0040ae5020a02080b1202633c1809220808c0e381af0610782a480a20000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f122408021220000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f3220000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f3a20000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f4220f220430553c5055a3f7c713de85180fddb04abe1f0fe1ec9e49d6d96c514115c4a20000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f5220000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f5a01016220000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f6a20000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f72142c4e4d1de6fbfc05d950fc7e6461be3007dd16e412c501080910011a480a209ab3da7571d54dac79aa0f8f3ab6cb6c9f2879505343222b2f28f79a50bd806f122408011220000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2264080212142c4e4d1de6fbfc05d950fc7e6461be3007dd16e41a0808c0e381af061078224000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000220f08011a0b088092b8c398feffffff0112d3010a470a142c4e4d1de6fbfc05d950fc7e6461be3007dd16e412220a20eae1c8793b5597c4b3f490e76ac31172c439690f8ee14142bb851a61f9a49f0e180a20fdffffffffffffffff010a3f0a1431844168515c8d090672f2e5627263c12dc23f7312231221032f9c16efc0b174ab1814a8a26e9792e559154ef0c229b3b56006c87ae26d91461803200312470a142c4e4d1de6fbfc05d950fc7e6461be3007dd16e412220a20eae1c8793b5597c4b3f490e76ac31172c439690f8ee14142bb851a61f9a49f0e180a20fdffffffffffffffff0110081a3c0a142c4e4d1de6fbfc05d950fc7e6461be3007dd16e412220a20eae1c8793b5597c4b3f490e76ac31172c439690f8ee14142bb851a61f9a49f0e180a200d2a0808c0e381af061078",
		json: '{"evidence":[{"type":"tendermint/LightClientAttackEvidence","value":{"ConflictingBlock":{"signed_header":{"header":{"version":{"block":"11"},"chain_id":"c\\u003c","height":"9","time":"2024-02-29T12:00:00.00000012Z","last_block_id":{"hash":"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F","parts":{"total":2,"hash":"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"}},"last_commit_hash":"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F","data_hash":"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F","validators_hash":"F220430553C5055A3F7C713DE85180FDDB04ABE1F0FE1EC9E49D6D96C514115C","next_validators_hash":"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F","consensus_hash":"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F","app_hash":"01","last_results_hash":"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F","evidence_hash":"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F","proposer_address":"2C4E4D1DE6FBFC05D950FC7E6461BE3007DD16E4"},"commit":{"height":"9","round":1,"block_id":{"hash":"9AB3DA7571D54DAC79AA0F8F3AB6CB6C9F2879505343222B2F28F79A50BD806F","parts":{"total":1,"hash":"000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"}},"signatures":[{"block_id_flag":2,"validator_address":"2C4E4D1DE6FBFC05D950FC7E6461BE3007DD16E4","timestamp":"2024-02-29T12:00:00.00000012Z","signature":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="},{"block_id_flag":1,"validator_address":"","timestamp":"0001-01-01T00:00:00Z","signature":null}]}},"validator_set":{"validators":[{"address":"2C4E4D1DE6FBFC05D950FC7E6461BE3007DD16E4","pub_key":{"type":"tendermint/PubKeyEd25519","value":"6uHIeTtVl8Sz9JDnasMRcsQ5aQ+O4UFCu4UaYfmknw4="},"voting_power":"10","proposer_priority":"-3"},{"address":"31844168515C8D090672F2E5627263C12DC23F73","pub_key":{"type":"tendermint/PubKeySecp256k1","value":"Ay+cFu/AsXSrGBSoom6XkuVZFU7wwimztWAGyHribZFG"},"voting_power":"3","proposer_priority":"3"}],"proposer":{"address":"2C4E4D1DE6FBFC05D950FC7E6461BE3007DD16E4","pub_key":{"type":"tendermint/PubKeyEd25519","value":"6uHIeTtVl8Sz9JDnasMRcsQ5aQ+O4UFCu4UaYfmknw4="},"voting_power":"10","proposer_priority":"-3"}}},"CommonHeight":"8","ByzantineValidators":[{"address":"2C4E4D1DE6FBFC05D950FC7E6461BE3007DD16E4","pub_key":{"type":"tendermint/PubKeyEd25519","value":"6uHIeTtVl8Sz9JDnasMRcsQ5aQ+O4UFCu4UaYfmknw4="},"voting_power":"10","proposer_priority":"0"}],"TotalVotingPower":"13","Timestamp":"2024-02-29T12:00:00.00000012Z"}}]}',
	},
];
