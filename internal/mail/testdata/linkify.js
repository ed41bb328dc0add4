// Reads texts (a JSON array) and writes, for each, what linkifiers find in it.
const { createRequire } = require('node:module');
const need = createRequire(process.argv[2] + '/');

const it = need('linkify-it');
const LinkifyIt = it.default ?? it.LinkifyIt ?? it;
const linkifyIt = new LinkifyIt({ fuzzyLink: true, fuzzyEmail: true, fuzzyIP: true });
const tlds = need('tlds');
linkifyIt.tlds(Array.isArray(tlds) ? tlds : tlds.default);
for (const scheme of ['tel:', 'sms:', 'javascript:', 'bitcoin:']) {
  linkifyIt.add(scheme, { validate: (all, at) => (/^\S+/.exec(all.slice(at)) ?? [''])[0].length });
}
const autolinker = need('autolinker');
const Autolinker = autolinker.default ?? autolinker.Autolinker ?? autolinker;
const linkifyjs = need('linkifyjs');

let text = '';
process.stdin.on('data', (chunk) => (text += chunk)).on('end', () => {
  const found = JSON.parse(text).map((one) => [
    ...(linkifyIt.match(one) ?? []).map((m) => 'linkify-it: ' + m.raw),
    ...Autolinker.parse(one, { phone: false, urls: true, email: true }).map((m) => 'autolinker: ' + m.getMatchedText()),
    ...linkifyjs.find(one).map((m) => 'linkifyjs: ' + m.value),
  ]);
  process.stdout.write(JSON.stringify(found));
});
