# 第6条第3項第2号: 都度許可の場所で、入退室管理者が応答しない。黙っていることは許可ではない / 6-3-2: where each entry needs a permission and nobody answers: silence is no permission
door terminal-toyoda
at 2026-11-24T09:00:00+09:00

> badge entry 10023
< show entry wait
< event permission_requested person=s-001 post=shimin_madoguchi_kacho
< request person=s-001 post=shimin_madoguchi_kacho withdrawn=
# 一度だけ聞き直す / it asks once more
< event permission_timeout person=s-001 within 18s
< event access_denied person=s-001 reason=VERIFICATION_TIMEOUT article=6-3-2 within 18s
< request withdrawn=true within 18s
! event access_granted within 20s
! lock released within 20s
