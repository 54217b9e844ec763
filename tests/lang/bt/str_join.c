__attribute__((noinline)) static void take(const char **words)
{
	__asm__ volatile("" : : "r"(words));
}

int main(void)
{
	/* in memory that was written to, and so is there when a program reads it */
	static char text[][4] = { "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15",
				  "16", "17", "tea", "and", "ale" };
	const char *words[] = { text[17], text[18], text[19], 0 }, *none[] = { 0 }, *many[20] = { 0 };

	for (int i = 0; i < 19; i++) {
		text[i][3] = 0;
		many[i] = text[i];
	}

	take(words);
	take(none);
	take(many);
	return 0;
}
