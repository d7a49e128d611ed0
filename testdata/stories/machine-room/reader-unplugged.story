# 第6条第1項: 読取装置の通信が絶えれば認証は終わり、戻れば使える / 6-1: a lost reader ends the attempt, and serves again when it is back
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10023
< show entry finger
> reader entry unplug
< event reader_lost device=badge-entry within 10s
> finger entry s-001
! event access_granted within 3s
! lock released within 3s
> reader entry plug
< event reader_restored device=badge-entry within 10s
# 置かれていた指はもう離れている / the finger that lay there has been lifted by now
> wait 3s
> badge entry 10023
< show entry finger
> finger entry s-001
< event access_granted person=s-001
