# 第6条第1項: 保護された通信ができないと言い出した読取装置は、使わない / 6-1: a reader that suddenly claims no Secure Channel is rejected
door machine-room
at 2026-11-24T09:00:00+09:00

> reader entry unplug
< event reader_lost device=badge-entry within 10s
> reader entry lies
> reader entry plug
< event reader_rejected device=badge-entry severity=A within 10s
> badge entry 10023
! event access_granted within 3s
! lock released within 3s
# 出る人は妨げない / nobody is kept in
> badge exit 10029
< show exit finger
> finger exit s-007
< event access_granted person=s-007 side=exit
