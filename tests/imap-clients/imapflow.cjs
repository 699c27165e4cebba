// A session by imapflow: imapflow.cjs PORT CA MESSAGE GIVE
// GIVE has bash deliver one more message to alice.
'use strict';
const assert = require('assert');
const fs = require('fs');
const { execFileSync } = require('child_process');
const { ImapFlow } = require('imapflow');

const [port, ca, file, give] = process.argv.slice(2);
const message = fs.readFileSync(file);
const tls = { ca: fs.readFileSync(ca), servername: 'mx.example.test' };

function client(pass) {
    return new ImapFlow({
        host: '127.0.0.1', port: Number(port), secure: false, tls,
        auth: { user: 'alice', pass }, logger: false,
        greetingTimeout: 60000,
    });
}

async function all(iterator) {
    const list = [];
    for await (const one of iterator)
        list.push(one);
    return list;
}

function soon(emitter, event) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(Error('no ' + event)), 60000);
        emitter.once(event, told => {
            clearTimeout(timer);
            resolve(told);
        });
    });
}

async function folders(c) {
    const list = await c.list({ statusQuery: { messages: true } });
    const use = Object.fromEntries(list.map(f => [f.path, f.specialUse]));
    assert.deepStrictEqual(use, {
        INBOX: '\\Inbox', Drafts: '\\Drafts', Sent: '\\Sent',
        Trash: '\\Trash', Junk: '\\Junk', Archive: '\\Archive',
    });
    assert.strictEqual(list.find(f => f.path === 'INBOX').status.messages, 3);
    assert.strictEqual((await c.mailboxCreate('Übung.日本')).created, true);
    await c.mailboxSubscribe('Übung.日本');
    await c.mailboxRename('Übung.日本', 'Work');
    const after = (await c.list()).map(f => f.path);
    assert.ok(after.includes('Work') && !after.includes('Übung.日本'));
    const status = await c.status('INBOX', {
        messages: true, unseen: true, uidNext: true, highestModseq: true,
    });
    assert.strictEqual(status.unseen, 3);
    assert.strictEqual(status.uidNext, 4);
    assert.ok(status.highestModseq > 0n);
}

async function messages(c) {
    const box = await c.mailboxOpen('INBOX');
    assert.strictEqual(box.exists, 3);
    assert.ok(box.highestModseq > 0n);
    const list = await all(c.fetch('1:*', {
        uid: true, flags: true, envelope: true, bodyStructure: true,
        size: true, internalDate: true, source: true, threadId: true,
    }));
    assert.strictEqual(list.length, 3);
    assert.ok(list[0].source.subarray(-message.length).equals(message));
    assert.strictEqual(list[0].size, list[0].source.length);
    assert.strictEqual(list[1].envelope.subject, 'two');
    assert.strictEqual(list[1].envelope.from[0].address, 'sender@client.test');
    assert.strictEqual(list[0].bodyStructure.type, 'text/plain');
    assert.strictEqual(list[0].bodyStructure.encoding, '8bit');
    const part = await c.download('1', '1');
    let text = '';
    for await (const piece of part.content)
        text += piece;
    assert.ok(text.includes('Grüße, 日本語'));
    assert.deepStrictEqual(await c.search({ subject: 'TWO' }), [2]);
    assert.deepStrictEqual(await c.search({ body: '日本語' }), [1]);
    assert.deepStrictEqual(
        await c.search({ or: [{ subject: 'two' }, { subject: 'three' }] },
            { uid: true }), [2, 3]);
}

async function changes(c, other) {
    await other.mailboxOpen('INBOX', { readOnly: true });
    const before = other.mailbox.highestModseq;
    const flags = soon(other, 'flags');
    const idle = other.idle();
    await c.messageFlagsAdd('2', ['\\Flagged', '$Label1']);
    const told = await flags;
    assert.ok(told.flags.has('\\Flagged') && told.flags.has('$Label1'));
    const exists = soon(other, 'exists');
    execFileSync('bash', ['-c', give]);
    assert.strictEqual((await exists).count, 4);
    await other.noop();
    await idle;
    const changed = await all(other.fetch('1:*', { flags: true },
        { changedSince: before }));
    assert.deepStrictEqual(changed.map(m => m.uid).sort(), [2, 4]);

    const put = await c.append('Drafts', message, ['\\Draft', '\\Seen'],
        new Date('1994-02-08T05:52:25Z'));
    assert.strictEqual(put.uid, 1);
    const copied = await c.messageCopy('1:2', 'Work');
    assert.deepStrictEqual([...copied.uidMap], [[1, 1], [2, 2]]);
    const moved = await c.messageMove('3', 'Archive');
    assert.deepStrictEqual([...moved.uidMap], [[3, 1]]);
    const expunge = soon(other, 'expunge');
    const again = other.idle();
    await c.messageDelete('1');
    await expunge;
    await other.noop();
    await again;
    assert.deepStrictEqual(await other.search({ all: true }, { uid: true }),
        [2, 4]);
    await c.mailboxOpen('Drafts');
    const draft = await c.fetchOne('*', {
        source: true, flags: true, internalDate: true,
    });
    assert.ok(draft.source.equals(message));
    assert.ok(draft.flags.has('\\Draft') && draft.flags.has('\\Seen'));
    assert.strictEqual(draft.internalDate.toISOString(),
        '1994-02-08T05:52:25.000Z');
    await c.mailboxClose();
    await c.mailboxDelete('Work');
}

async function main() {
    await assert.rejects(client('wrong').connect(), /./);
    const c = client('secret');
    const other = client('secret');
    await c.connect();
    await other.connect();
    await folders(c);
    await messages(c);
    await changes(c, other);
    await other.logout();
    await c.logout();
}

main().then(() => {
    console.log('all of it');
    process.exit(0); // the one that was refused has a timer left
}, e => {
    console.error(e);
    process.exit(1);
});
