// Recovers secrets with another implementation of SLIP-0039. One line of JSON on stdin is one
// quorum ({"mnemonics": [...], "passphrase": "..."}); one line of hex on stdout is its secret.
import { createInterface } from "node:readline";
import slip39 from "slip39";

for await (const line of createInterface({ input: process.stdin })) {
  const { mnemonics, passphrase } = JSON.parse(line);
  const secret = slip39.recoverSecret(mnemonics, passphrase);
  console.log(Buffer.from(secret).toString("hex"));
}
