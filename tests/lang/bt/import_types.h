struct imported { int a; long b; };
