import { describe, expect, test } from 'vitest'
import { secretOf, sign } from './signature.ts'

describe('sign', () => {
  // an example of the Standard Webhooks' own libraries
  test('signs id, time and body as the specification says', () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
    expect(sign(secret, 'msg_p5jXN8AQM9LWM0D4loKWxJek', '{"test": 2432232314}', 1_614_265_330_999)).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    })
  })
})

describe('secretOf', () => {
  test('is 32 bytes that differ by endpoint and by master secret', () => {
    const secrets = [
      secretOf('m'.repeat(32), 'a'),
      secretOf('m'.repeat(32), 'b'),
      secretOf('n'.repeat(32), 'a'),
    ]
    expect(new Set(secrets).size).toBe(3)
    for (const secret of secrets) {
      expect(secret).toMatch(/^whsec_/)
      expect(Buffer.from(secret.slice(6), 'base64')).toHaveLength(32)
    }
    expect(secretOf('m'.repeat(32), 'a')).toBe(secrets[0])
  })
})
