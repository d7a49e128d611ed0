# 第6条第3項第1号: 職員証をかざしたまま立ち去った / 6-3-1: somebody shows a badge and walks away
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10023
< show entry finger
< event access_denied person=s-001 reason=FACTOR_TIMEOUT within 8s
< show entry idle within 12s
! lock released within 8s
