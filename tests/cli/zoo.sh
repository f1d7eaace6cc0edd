run zoo
run zoo logistic
run zoo logistic.net
run zoo logistic --json
