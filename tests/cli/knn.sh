run knn digits --limit 1000 --test-limit 200
run knn digits --limit 1000 --test-limit 200 -k 1 --distance l2 --threads 1
run knn digits -k 0
run knn digits -k 5 --limit 3
run knn digits --distance cosine
run knn no-such-folder
