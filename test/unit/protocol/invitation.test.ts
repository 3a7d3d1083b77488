import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { asClusterId, asPeerId } from '#protocol/model/ids.ts'
import { roles } from '#protocol/model/member.ts'
import { codeToInvitation, invitationToCode } from '#protocol/wire/pair/invitation.ts'

const inviter = asPeerId('12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5')

const invitations = fc.record({
  cluster: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((id) => asClusterId(id.toHex())),
  inviter: fc.constant(inviter),
  addresses: fc.array(
    fc.ipV4().map((host) => `/ip4/${host}/tcp/4001/p2p/${inviter}`),
    { maxLength: 4 },
  ),
  secret: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((secret) => new Uint8Array(secret)),
  roles: fc.subarray([...roles], { minLength: 1 }),
  expiresAt: fc.integer({ min: 0, max: 2 ** 45 }),
})

describe('an invitation code', () => {
  it('comes back as it was made, however it was copied', () => {
    fc.assert(
      fc.property(invitations, fc.nat(100), (invitation, at) => {
        const code = invitationToCode(invitation)
        const broken = `  ${code.slice(0, at)}\n ${code.slice(at)} `
        expect(codeToInvitation(broken)).toEqual({ ok: true, value: invitation })
      }),
    )
  })

  it('with one character changed, lost or added is refused in words', () => {
    fc.assert(
      fc.property(
        invitations,
        fc.nat(),
        fc.constantFrom('change', 'drop', 'add'),
        (one, at, how) => {
          const code = invitationToCode(one)
          const i = 7 + (at % (code.length - 8))
          const other = code[i] === 'A' ? 'B' : 'A'
          const middle = { change: other, drop: '', add: `${other}${code[i] ?? ''}` }[how] ?? ''
          const read = codeToInvitation(code.slice(0, i) + middle + code.slice(i + 1))
          expect(read.ok).toBe(false)
          if (!read.ok) expect(read.error.code).toBe('InvitationMalformed')
        },
      ),
    )
  })

  it('is short enough to be read by a phone', () => {
    const code = invitationToCode({
      cluster: asClusterId('ab'.repeat(32)),
      inviter,
      addresses: [`/ip4/192.168.1.17/tcp/34567/p2p/${inviter}`],
      secret: new Uint8Array(16),
      roles: ['submit', 'work'],
      expiresAt: 1_795_347_699_538,
    })
    expect(code.length).toBeLessThan(240)
  })
})
