import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { verifySignature } from './webhook-signature.ts'

const SECRET = 'whsec-test'
const BODY = Buffer.from('{"id":"evt_1"}')
const NOW = 1_800_000_000_000
const SECONDS = NOW / 1000

const sign = (seconds: number, secret = SECRET, body = BODY) =>
  `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex')}`

const verify = (header: string | undefined, body = BODY) => verifySignature(body, header, SECRET, NOW)

describe('verifySignature', () => {
  it('believes what was signed with the secret within five minutes', () => {
    expect([0, -300, 300].map((offset) => verify(sign(SECONDS + offset)))).toEqual([true, true, true])
  })

  it('believes nothing older or from the future', () => {
    expect([-301, 301].map((offset) => verify(sign(SECONDS + offset)))).toEqual([false, false])
  })

  it('believes no other secret, body or time', () => {
    expect(verify(sign(SECONDS, 'another'))).toBe(false)
    expect(verify(sign(SECONDS), Buffer.from('{"id":"evt_2"}'))).toBe(false)
    expect(verify(sign(SECONDS).replace(`t=${SECONDS}`, `t=${SECONDS + 1}`))).toBe(false)
  })

  it('takes anything else for no signature', () => {
    const genuine = sign(SECONDS)
    for (const header of [undefined, '', 'v1=abc', `${genuine}0`, genuine.slice(0, -1), `${genuine},v1=00`]) {
      expect(verify(header)).toBe(false)
    }
  })
})
