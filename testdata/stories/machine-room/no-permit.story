# 第6条第3項第1号: 事前許可のない職員は、本人と確かめたうえで理由を知らされ、入れない / 6-3-1: without a prior permit an employee is told why, once matched, and does not enter
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10024
< show entry finger
> finger entry s-002
< show entry refused-permit
< event access_denied person=s-002 side=entry reason=NO_PRIOR_PERMIT article=6-3-1
! lock released within 3s

# 拾った人には理由を教えない / whoever found the badge learns nothing
> badge entry 10024
< show entry finger
> finger entry stranger
< show entry refused
< event access_denied person=s-002 reason=NO_PRIOR_PERMIT failed.reason=INCORRECT_FACTOR
! show entry refused-permit within 3s
! lock released within 3s
