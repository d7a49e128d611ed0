# 第6条第1項: 登録のない職員証は、番号を残さずに記録され、拒まれる / 6-1: an unknown badge is refused, and recorded without its number
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 54321
< show entry refused
< event access_denied side=entry reason=UNKNOWN_CREDENTIAL person= badge=
! show entry finger within 3s
! lock released within 3s
