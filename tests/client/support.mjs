// What both programs share: arguments, one line per passed check, and the mail catcher.

/** `--name value` pairs; a name in `required` that is missing ends the program. */
export function settings(required) {
  const given = {};
  for (let i = 2; i < process.argv.length; i += 2) given[process.argv[i].replace(/^--/, '')] = process.argv[i + 1];
  for (const name of required) {
    if (given[name] === undefined) {
      console.error(`missing --${name}; needed: ${required.map((n) => `--${n}`).join(' ')}`);
      process.exit(2);
    }
  }
  return given;
}

export class Failed extends Error {}

/** Prints the check when it holds, and ends the scenario with what was found when not. */
export function check(holds, what, found) {
  if (!holds) throw new Failed(found === undefined ? what : `${what}; found: ${shown(found)}`);
  console.log(`ok    ${what}`);
}

function shown(value) {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 600 ? `${text.slice(0, 600)}…` : text;
}

/** Waits until `probe` gives something, at most `seconds`. */
export async function eventually(what, probe, seconds = 10) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > end) throw new Failed(`not within ${seconds} s: ${what}`);
    await new Promise((done) => setTimeout(done, 50));
  }
}

/** The catcher of `idflow dev`: every mail it would have sent, newest first. */
export class Mailbox {
  constructor(url) {
    this.url = url;
  }

  async to(address) {
    const mails = await (await fetch(this.url)).json();
    return mails.filter((mail) => JSON.stringify(mail.to).includes(address));
  }

  /** The code in the mail that came after `seen` others with a code, as soon as it is there. */
  async code(address, seen) {
    const code = (mail) => /\b\d{6,10}\b/.exec(mail.text)?.[0];
    return eventually(`code number ${seen + 1} for ${address}`, async () => {
      const codes = (await this.to(address)).map(code).filter(Boolean);
      return codes[codes.length - 1 - seen];
    });
  }
}

/** Somebody with an address and a password; `seen` counts the codes already read. */
export class Person {
  constructor(address, password, mailbox) {
    Object.assign(this, { address, password, mailbox, seen: 0 });
  }

  /** What this person types into a field with these `autocomplete` tokens; undefined leaves it alone. */
  async answer(autocomplete, name) {
    const tokens = autocomplete.split(/\s+/);
    if (tokens.includes('one-time-code')) {
      const code = await this.mailbox.code(this.address, this.seen);
      this.seen += 1;
      return code;
    }
    if (tokens.some((token) => token.endsWith('-password'))) return this.password;
    if (tokens.includes('username') || tokens.includes('email') || name === 'username') return this.address;
    if (tokens.includes('given-name')) return 'Ada';
    if (tokens.includes('family-name')) return 'Lovelace';
    if (tokens.includes('name') || tokens.includes('nickname')) return 'Ada Lovelace';
    return undefined;
  }
}

/** Runs the named scenarios in order and ends with a count; a failing one is named and the rest still runs. */
export async function run(scenarios, only) {
  let failed = 0;
  for (const [name, scenario] of Object.entries(scenarios)) {
    if (only && !only.split(',').includes(name)) continue;
    const began = Date.now();
    try {
      await scenario();
      console.log(`PASS  ${name} (${Date.now() - began} ms)`);
    } catch (error) {
      failed += 1;
      console.log(`FAIL  ${name}: ${error instanceof Failed ? error.message : error.stack}`);
    }
  }
  process.exitCode = failed ? 1 : 0;
}
